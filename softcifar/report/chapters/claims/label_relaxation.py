"""The claims of label relaxation (Lienen & Hüllermeier 2021): C1 and C2."""

from dataclasses import replace

from softcifar.report.chapters.published.literature import LIENEN
from softcifar.report.core.pairs import ACCURACY, CROSS_ENTROPY, ECE, compare, pairs, stated
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Finding

RELAXATION = ("hard", "label_relaxation")
RIVALS = (("hard", CROSS_ENTROPY), ("uniform", CROSS_ENTROPY))
MARGIN = 0.5  # percentage points of accuracy

C = stated(
    LIENEN,
    {
        "C1": "Label relaxation keeps the accuracy of cross-entropy and of label smoothing.",
        "C2": "Label relaxation is better calibrated than cross-entropy and label smoothing, without held-out "
        "calibration data.",
    },
)


def findings(study: Study) -> list[Finding]:
    """A row per claim and pair of students that the study has; [] where it has none."""
    matched = [pair for rival in RIVALS for pair in pairs(study.results, RELAXATION, rival, but=("labels", "loss"))]
    accuracy = replace(ACCURACY, title=f"accuracy, points (margin {MARGIN:g})")
    keeps = [compare("C1", C["C1"], study, *pair, accuracy, margin=MARGIN) for pair in matched]
    return [*keeps, *(compare("C2", C["C2"], study, *pair, ECE) for pair in matched)]
