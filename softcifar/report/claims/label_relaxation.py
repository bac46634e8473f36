"""The claims of label relaxation (Lienen & Hüllermeier 2021): C1 and C2."""

import pandas as pd

from softcifar.report.claims.claim import Finding, difference
from softcifar.report.claims.pairs import CROSS_ENTROPY, pairs, shared_runs
from softcifar.report.kinds import described
from softcifar.report.literature import LIENEN
from softcifar.report.scores import Results

RELAXATION = ("hard", "label_relaxation")
RIVALS = (("hard", CROSS_ENTROPY), ("uniform", CROSS_ENTROPY))
MARGIN = 0.5  # percentage points of accuracy

STATEMENTS = {
    "C1": "Label relaxation keeps the accuracy of cross-entropy and of label smoothing.",
    "C2": "Label relaxation is better calibrated than cross-entropy and label smoothing, without held-out calibration data.",
}
STATEMENTS = {claim: f"{text[:-1]} ({LIENEN})." for claim, text in STATEMENTS.items()}


def findings(results: Results, numbers: pd.DataFrame) -> list[Finding]:
    """A row per claim and pair of students that the study has; [] where it has none."""
    matched = [pair for rival in RIVALS for pair in pairs(results, RELAXATION, rival, but=("labels", "loss"))]
    compared = {pair: " against ".join(described(results, name) for name in pair) for pair in matched}
    keeps = [
        difference(
            "C1",
            STATEMENTS["C1"],
            compared[pair],
            f"accuracy, points (margin {MARGIN:g})",
            *shared_runs(numbers, list(pair), "accuracy", scale=100),
            higher=True,
            margin=MARGIN,
        )
        for pair in matched
    ]
    calibrated = [
        difference("C2", STATEMENTS["C2"], compared[pair], "ECE", *shared_runs(numbers, list(pair), "ece"), higher=False)
        for pair in matched
    ]
    return [*keeps, *calibrated]
