"""Published claims held against a study's runs; a claim whose students the study lacks gives no row."""

from softcifar.report.chapters.claims import ddu, instance_smoothing, label_relaxation, soft_augmentation, soft_cifar
from softcifar.report.chapters.claims.table import claims_table
from softcifar.report.core.chapter import Chapter

# Study -> findings
CLAIMS = [
    soft_cifar.findings,
    instance_smoothing.findings,
    label_relaxation.findings,
    ddu.findings,
    soft_augmentation.findings,
]
CHAPTER = Chapter("claims", "Claims", tables=(lambda study: claims_table(study, CLAIMS),))
