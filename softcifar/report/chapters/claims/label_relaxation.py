"""The claims of label relaxation (Lienen & Hüllermeier 2021): C1 and C2."""

from dataclasses import replace

from softcifar.report.chapters.published.literature import LIENEN
from softcifar.report.core.kinds import described
from softcifar.report.core.pairs import ACCURACY, CROSS_ENTROPY, ECE, compare, pairs, stated
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

RELAXATION = ("hard", "label_relaxation")
HARD, SMOOTHING = ("hard", CROSS_ENTROPY), ("uniform", CROSS_ENTROPY)
MARGIN = 0.1  # of the rival's errors: so many more keep its accuracy
SCALED = replace(ECE, metric="ece_scaled")

C = stated(
    LIENEN,
    {
        "C1": "Label relaxation keeps the accuracy of cross-entropy and of label smoothing.",
        "C2": "Label relaxation is better calibrated than cross-entropy and label smoothing, without held-out "
        "calibration data.",
    },
)


def checks(study: Study) -> list[Check]:
    """A row per claim and pair of students that the study has; [] where it has none."""
    matched = [pair for rival in (HARD, SMOOTHING) for pair in pairs(study.results, RELAXATION, rival, but=("labels", "loss"))]
    without = [pair for pair in matched if not any(_by_calibration(study.results, name) for name in pair)]
    beside = [pair for pair in without if pair in pairs(study.results, RELAXATION, HARD, but=("loss",))]
    return [
        *(_keeps(study, *pair) for pair in matched),
        *(compare("C2", C["C2"], study, *pair, ECE) for pair in without),
        *(_against_scaled(study, *pair) for pair in beside),
    ]


def _keeps(study: Study, ours: str, rival: str) -> Check:
    """By run, since the margin is a share of what the rival's own run gets wrong."""
    margin = MARGIN * (100 - ACCURACY.of(study.numbers, [rival])[rival])
    accuracy = replace(ACCURACY, title=f"accuracy, points (margin {margin.mean():.2g}: a tenth of the rival's errors)")
    return compare("C1", C["C1"], study, ours, rival, accuracy, margin=margin)


def _by_calibration(results: Results, student: str) -> bool:
    """Did held-out calibration choose among its networks?"""
    about = results.students[student].about
    return len(about["candidates"]) > 1 and about["choose_by"] == "ece"


def _against_scaled(study: Study, ours: str, rival: str) -> Check:
    """Cross-entropy with a temperature fitted on validation, the published rival."""
    differences = ECE.of(study.numbers, [ours])[ours] - SCALED.of(study.numbers, [rival])[rival]
    compared = f"{described(study.results, ours)} against {described(study.results, rival)} with temperature scaling"
    return Check("C2", C["C2"], compared, ECE.title, False, {rival: differences}, students=(ours, rival))
