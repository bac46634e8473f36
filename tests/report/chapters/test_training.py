"""Training: what the choice of the epoch does to differences in accuracy, from the histories alone."""

import numpy as np
import pandas as pd
import pytest

from softcifar.report.chapters.training.kept_epoch import at_both, table
from tests.report.fixture import read, row, study_of


def history(nll: list[list[float]], accuracy: list[list[float]], chosen: int = 1) -> pd.DataFrame:
    """A row per run and epoch."""
    rows = [(run, epoch + 1, loss, right) for run, pair in enumerate(zip(nll, accuracy, strict=True))
            for epoch, (loss, right) in enumerate(zip(*pair, strict=True))]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["seed", "epoch", "validation_nll", "validation_accuracy"])
    return frame.assign(chosen=chosen)


HARD = history([[0.9, 0.5, 0.7], [0.9, 0.6, 0.8]], [[0.5, 0.70, 0.76], [0.5, 0.72, 0.76]])
SOFT = history([[0.9, 0.7, 0.6], [0.9, 0.7, 0.6]], [[0.5, 0.70, 0.75], [0.5, 0.70, 0.77]])


def test_accuracy_at_the_lowest_nll_and_at_the_end():
    other = history([[0.1, 9.0, 9.0]] * 2, [[0.1] * 3] * 2, chosen=0)  # of a value that was not chosen
    found = at_both(pd.concat([other, HARD]).sample(frac=1, random_state=0))
    assert found["epoch"].tolist() == [2, 2]
    assert found["best"].tolist() == [0.70, 0.72]
    assert found["last_epoch"].tolist() == [3, 3]
    assert found["last"].tolist() == [0.76, 0.76]


@pytest.fixture
def two(study):
    results = read(*study)
    for name in list(results.students):
        object.__setattr__(results.students[name], "history", SOFT if name == "smooth" else HARD)
    return results


def test_the_favour_by_hand(two):
    """smooth has 75 and 77 at its lowest NLL, which is its end; hard has 70 and 72 there and 76 twice at the end."""
    shown = table(study_of(two))
    soft = row(shown.frame, student="smooth")
    assert (soft["n"], soft["epoch"], soft["last_epoch"]) == (2, 3, 3)
    assert soft["best"] == pytest.approx(0.05)  # 5 and 5 points
    assert soft["best_se"] == pytest.approx(0, abs=1e-12)
    assert soft["last"] == pytest.approx(0)  # -1 and 1
    assert soft["last_se"] == pytest.approx(0.01)
    assert soft["favour"] == pytest.approx(0.05)  # 6 and 4
    assert soft["favour_se"] == pytest.approx(0.01)
    hard = row(shown.frame, student="hard")
    assert hard["gain"] == pytest.approx(0.05)  # 6 and 4 points lost by an epoch chosen by NLL
    assert np.isnan(hard["favour"])
    texts = [cell.text for cell in shown.rows[list(two.students).index("smooth")]]
    assert texts == ["smooth", "2", "3.0", "3.0", ".00", "5.00", ".00", "5.00", "–"]
    assert "keeps the epoch of lowest validation NLL" in shown.note


def test_the_rule_of_the_study_is_named(two):
    for student in two.students.values():
        object.__setattr__(student, "options", student.options | {"checkpoint": "last"})
    assert table(study_of(two)).note.endswith("this study keeps the last epoch.")
    object.__setattr__(two.students["hard"], "about", two.students["hard"].about | {"refit": True})
    assert table(study_of(two)).note.endswith("so the runs here are those of the search.")
