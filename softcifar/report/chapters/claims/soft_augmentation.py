"""The claims of soft augmentation (Liu et al. 2023): E1 to E4."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from softcifar.metrics.calibration import bin_numbers
from softcifar.report.chapters.published.literature import LIU
from softcifar.report.core.kinds import alike, described, distinct
from softcifar.report.core.pairs import ACCURACY, ECE, Measure, compare, stated
from softcifar.report.core.predictions import runs
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

SOFT, HARD = ("target_and_weight", "target", "published"), "hard"  # modes of soft_crop
CROP, USUAL, RANDOM = "soft_crop", "crop_flip", "randaugment"
FACTOR = 4
DRAWS = 100  # of labels, per run

E = stated(
    LIU,
    {
        "E1": "Soft crops beat the same crops with hard labels.",
        "E2": "Soft crops halve the calibration error of the usual augmentation.",
        "E3": "Soft crops make up to 4 times more robust to occlusion.",
        "E4": "Soft crops add to RandAugment.",
    },
)


def checks(study: Study) -> list[Check]:
    """A row per claim and pair of students that the study has; [] where none has soft crops."""
    results, rows = study.results, []
    for ours in distinct(results):
        steps = _steps(results, ours)
        if not any(name == CROP and mode in SOFT for name, mode in steps):
            continue
        hard = tuple((name, HARD) if name == CROP else (name, mode) for name, mode in steps)
        rows += [compare("E1", E["E1"], study, ours, twin, ACCURACY) for twin in _twins(results, ours, hard)]
        if [name for name, _ in steps] == [CROP]:
            for usual in _twins(results, ours, ((USUAL, None),)):
                rows += [_halves(study, ours, usual), *_resists(study, ours, usual)]
        if RANDOM in [name for name, _ in steps]:
            alone = _twins(results, ours, ((USUAL, None), (RANDOM, None)))
            rows += [compare("E4", E["E4"], study, ours, twin, ACCURACY) for twin in alone]
    return sorted(rows, key=lambda row: row.claim)


def _steps(results: Results, student: str) -> tuple[tuple[str, str | None], ...]:
    """(name, mode) of every augmentation step; mode None where the step has none."""
    augment = results.params["students"][student]["augment"]
    return tuple((step["name"], step["options"].get("mode")) for step in augment)


def _twins(results: Results, ours: str, steps: tuple) -> Iterator[str]:
    """Students that differ from ours in the augmentation alone, which has these steps."""
    for name in distinct(results):
        same = alike(results, ours, name, but=("augment", "finetune_augment"))
        if same and _steps(results, name) == steps and _same_crops(results, ours, name):
            yield name


def _same_crops(results: Results, a: str, b: str) -> bool:
    """Where both crop softly, do their crops have the same options but for the mode?"""
    augments = (results.params["students"][name]["augment"] for name in (a, b))
    first, second = ([step["options"] | {"mode": None} for step in augment if step["name"] == CROP] for augment in augments)
    return not (first and second) or first == second


def _halves(study: Study, ours: str, usual: str) -> Check:
    values = ECE.of(study.numbers, [ours, usual])
    compared = f"{described(study.results, ours)} against half of {described(study.results, usual)}"
    half, floor = values[usual].mean() / 2, _floor(study, ours)
    untestable = ""
    if half < floor:
        untestable = (
            f"not testable: half of {usual}'s ECE, {half:.2g}, lies below the {floor:.2g} that {ours} would score on so many "
            "test images if it were perfectly calibrated"
        )
    against = {usual: values[ours] - values[usual] / 2}
    return Check("E2", E["E2"], compared, ECE.title, False, against, students=(ours, usual), untestable=untestable)


def _floor(study: Study, student: str) -> float:
    """The mean ECE of the student's runs if each prediction were right as often as its confidence says: drawn labels."""
    generator, found = np.random.default_rng(0), []
    for prediction in runs(study.predictions[student]):
        confidence = prediction.probs.max(axis=1)
        bins = bin_numbers(confidence, study.results.bins, "right")
        for _ in range(DRAWS):
            right = generator.random(len(confidence)) < confidence
            found.append(np.abs(np.bincount(bins, weights=right - confidence)).sum() / len(confidence))
    return float(np.mean(found))


def _resists(study: Study, ours: str, usual: str) -> list[Check]:
    """ "Up to" so many times: at one size of the patch or more, corrected for their number.

    What is lost is a share of what there is to lose, the accuracy above chance without a patch: otherwise a student that knows
    little would lose little.
    """
    chance = 1 / len(study.results.classes)
    clean = Measure("", "shift_accuracy", True, "none", "0").of(study.numbers, [ours, usual]) - chance
    against: dict[str, pd.Series] = {}
    for share in study.results.params["evaluation"]["shifts"]["covered"]:
        covered = Measure("", "shift_accuracy", True, "occlusion", f"{share:g}").of(study.numbers, [ours, usual]) - chance
        lost = 100 * (1 - covered / clean)
        means = lost[[ours, usual]].mean()
        words = (
            f"{ours} loses {means[ours]:.1f} % of its accuracy above chance under a patch over {100 * share:g} % of the image, "
            f"{usual} {means[usual]:.1f} %"
        )
        against[words] = FACTOR * lost[ours] - lost[usual]
    if not against or clean.empty:
        return []
    compared = " against ".join(described(study.results, name) for name in (ours, usual))
    compared += f": {next(iter(against))}" if len(against) == 1 else ""  # of several, the row adds the one that decides
    title = (
        f"share of accuracy above chance lost to a patch, points: {FACTOR} times the first's less the second's, at the size "
        "that suits the claim best"
    )
    return [Check("E3", E["E3"], compared, title, False, against, students=(ours, usual), every=False)]
