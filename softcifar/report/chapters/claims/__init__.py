"""Published claims held against a study's runs; a claim whose students the study lacks gives no row."""

from softcifar.report.chapters.claims import (
    active_learning,
    calibrating_to_people,
    ddu,
    instance_smoothing,
    label_relaxation,
    refusing,
    single_people,
    smoothing_and_novelty,
    soft_augmentation,
    soft_cifar,
)
from softcifar.report.chapters.claims.table import claims_table
from softcifar.report.core.chapter import Chapter

# Study -> checks
CLAIMS = [
    soft_cifar.checks,
    instance_smoothing.checks,
    label_relaxation.checks,
    ddu.checks,
    active_learning.checks,
    soft_augmentation.checks,
    refusing.checks,
    calibrating_to_people.checks,
    smoothing_and_novelty.checks,
    single_people.checks,
]
CHAPTER = Chapter("claims", "Claims", tables=(lambda study: claims_table(study, CLAIMS),))
