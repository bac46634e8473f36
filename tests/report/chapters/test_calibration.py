"""A calibration metric is one line: a number per student, before and after scaling, and its columns."""

import pytest

from softcifar.report.chapters.calibration import quality
from tests.report.fixture import read, row, study_of


def test_a_metric_is_one_line(study, monkeypatch):
    def shortfall(probs, labels, bins):
        return 1 - probs[range(len(labels)), labels].mean()

    monkeypatch.setitem(quality.QUALITY, "shortfall", ("shortfall", "what the label's probability lacks to 1", shortfall))
    made = study_of(read(*study))
    table = quality.table(made)
    shown = row(table.frame, student="hard", kind="run")
    labels = made.results.part("test")["labels"]
    runs = [run for run in made.predictions["hard"] if run.kind == "run"]
    assert shown["shortfall"] == pytest.approx(sum(shortfall(run.probs, labels, 0) for run in runs) / len(runs))
    assert shown["shortfall_scaled"] != shown["shortfall"]
    assert "what the label's probability lacks to 1" in dict(table.header).values()
