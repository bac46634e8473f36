"""The claims of soft augmentation (Liu et al. 2023): E1 to E4."""

from collections.abc import Iterator

import numpy as np

from softcifar.report.chapters.published.literature import LIU
from softcifar.report.core.kinds import alike
from softcifar.report.core.pairs import ACCURACY, ECE, Measure, stated
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Finding, difference

SOFT, HARD = "target_and_weight", "hard"  # modes of soft_crop
USUAL, RANDOM = "crop_flip", "randaugment"
FACTOR = 4

E = stated(
    LIU,
    {
        "E1": "Soft crops beat the same crops with hard labels.",
        "E2": "Soft crops halve the calibration error of the usual augmentation.",
        "E3": "Soft crops make up to 4 times more robust to occlusion.",
        "E4": "Soft crops add to RandAugment.",
    },
)


def findings(study: Study) -> list[Finding]:
    """A row per claim and pair of students that the study has; [] where none has soft crops."""
    results, rows = study.results, []
    for ours in results.students:
        steps = _steps(results, ours)
        if not any(step[:2] == ("soft_crop", SOFT) for step in steps):
            continue
        hard = tuple(("soft_crop", HARD) if step[:2] == ("soft_crop", SOFT) else step for step in steps)
        rows += [_accuracy("E1", study, ours, twin) for twin in _twins(results, ours, hard)]
        if [name for name, _ in steps] == ["soft_crop"]:
            for usual in _twins(results, ours, ((USUAL, None),)):
                own, other = ECE.of(study.numbers, [ours, usual])
                compared = f"{ours} against half of {usual}"
                rows += [difference("E2", E["E2"], compared, "ECE", own, other / 2, higher=False)]
                rows += _occlusion(study, ours, usual)
        if RANDOM in [name for name, _ in steps]:
            rows += [_accuracy("E4", study, ours, alone) for alone in _twins(results, ours, ((USUAL, None), (RANDOM, None)))]
    return sorted(rows, key=lambda row: row.claim)


def _steps(results: Results, student: str) -> tuple[tuple[str, str | None], ...]:
    """(name, mode) of every augmentation step; mode None where the step has none."""
    augment = results.params["students"][student]["augment"]
    return tuple((step["name"], step["options"].get("mode")) for step in augment)


def _twins(results: Results, ours: str, steps: tuple) -> Iterator[str]:
    """Students that differ from ours in the augmentation alone, which has these steps."""
    for name in results.students:
        if _steps(results, name) == steps and alike(results, ours, name, but=("augment",)) and _same_crops(results, ours, name):
            yield name


def _same_crops(results: Results, a: str, b: str) -> bool:
    """Where both crop softly, do their crops have the same options but for the mode?"""
    augments = (results.params["students"][name]["augment"] for name in (a, b))
    first, second = (
        [step["options"] | {"mode": None} for step in augment if step["name"] == "soft_crop"] for augment in augments
    )
    return not (first and second) or first == second


def _accuracy(claim: str, study: Study, a: str, b: str) -> Finding:
    values = ACCURACY.of(study.numbers, [a, b])
    return difference(claim, E[claim], f"{a} against {b}", ACCURACY.title, *values, higher=True)


def _occlusion(study: Study, ours: str, usual: str) -> list[Finding]:
    """Accuracy lost to a patch: on average over its sizes, and, for "up to", at the size that suits the claim best."""
    covered = [f"{share:g}" for share in study.results.params["evaluation"]["shifts"]["covered"]]
    measures = [Measure("", "shift_accuracy", False, "occlusion", share, 100, ("none", "0")) for share in covered]
    lost = [measure.of(study.numbers, [ours, usual]) for measure in measures]
    if not lost or not len(lost[0][0]):
        return []
    title = "accuracy lost to a patch, mean over its sizes, points"
    mean = difference("E3", E["E3"], f"{ours} against {usual}", title, *np.mean(lost, axis=0), higher=False)
    at = int(np.argmax([np.mean(other) - FACTOR * np.mean(own) for own, other in lost]))
    title = f"accuracy lost to a patch over {covered[at]} of the image (the size that suits the claim best), points"
    compared = f"{FACTOR} times the loss of {ours} against that of {usual}"
    own, other = lost[at]
    return [mean, difference("E3", E["E3"], compared, title, FACTOR * own, other, higher=False)]
