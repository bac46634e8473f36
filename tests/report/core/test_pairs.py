"""Which students a claim compares."""

import inspect

import pandas as pd
import pytest

from softcifar.labels import LABEL_SOURCES
from softcifar.report.core.kinds import SAMPLED
from softcifar.report.core.pairs import ACCURACY, CORRECTING, ECE, HARD, MAJORITY, NLL, Measure

OF_SOME = {"human_where_elicited"}  # has the data set's labels of most images, so that hard labels are its twin
KEEPING = {"human_kept"}  # reads votes and keeps the data set's label, so that hard labels are its twin


def test_labels_that_votes_may_correct_are_held_against_their_majority():
    """Every source that reads votes is a twin, has its own chapter, keeps all or most labels, or is listed as correcting."""
    reading = {name for name, source in LABEL_SOURCES.items() if "votes" in inspect.signature(source).parameters}
    assert reading == {MAJORITY, *CORRECTING, *SAMPLED, *KEEPING, *OF_SOME}
    assert HARD not in reading


@pytest.mark.parametrize(
    ("measure", "rival", "expected"),
    [
        (ACCURACY, [82.0, 82.4], 1.0),
        (ACCURACY, [99.5, 99.7], 0.04),  # a tenth of its errors
        (NLL, [0.6, 0.7], 0.02),
        (NLL, [0.02, 0.02], 0.002),
        (Measure("accuracy under FGSM, points", "fgsm_accuracy", True, scale=100), [0.3, 0.3], 0.03),  # of what it gets right
        (Measure("AUROC", "auroc", True), [0.9, 0.9], 0.01),
        (ECE, [0.05, 0.05], 0.0),
        (ACCURACY, [], 0.0),
    ],
)
def test_what_matters_in_practice_is_never_more_than_a_tenth_of_what_the_rival_gets_wrong_or_right(measure, rival, expected):
    assert measure.practical(pd.Series(rival, dtype=float)) == pytest.approx(expected)
