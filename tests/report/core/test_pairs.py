"""Which students a claim compares."""

import inspect

from softcifar.labels import LABEL_SOURCES
from softcifar.report.core.kinds import SAMPLED
from softcifar.report.core.pairs import CORRECTING, HARD, MAJORITY

KEEPING = {"human_kept"}  # reads votes and keeps the data set's label, so that hard labels are its twin


def test_labels_that_votes_may_correct_are_held_against_their_majority():
    """Every source that reads votes is a twin itself, has a chapter of its own, keeps labels or is listed as correcting."""
    reading = {name for name, source in LABEL_SOURCES.items() if "votes" in inspect.signature(source).parameters}
    assert reading == {MAJORITY, *CORRECTING, *SAMPLED, *KEEPING}
    assert HARD not in reading
