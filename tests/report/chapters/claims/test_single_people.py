"""I1: a few people's soft labels against many people's votes, of students that differ in nothing else."""

import numpy as np
import pytest

from softcifar.report.chapters.claims import single_people
from softcifar.report.core import results as reading
from tests.report.fixture import make_study, read, study_of

STUDENTS = dict.fromkeys(("hard", "human", "smooth"), (1.2, 1.0, 1))


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "read_asked", lambda folder: np.full(10_000, 7))
    return tmp_path, make_study(tmp_path, students=STUDENTS, runs=6, images=150)


def test_each_row_is_the_difference_and_what_is_too_small_to_matter(made):
    root, params = made
    few, many = {"source": "elicited", "people": "single"}, {"source": "human_where_elicited", "people": "single"}
    labels = {"human": params["labels"]["human"] | few, "smooth": params["labels"]["smooth"] | many}
    study = study_of(read(root, params | {"labels": params["labels"] | labels}))
    rows = single_people.checks(study)
    assert [(row.claim, row.metric, row.students) for row in rows] == [
        ("I1", "accuracy, points (margin 1)", ("human", "smooth")),
        ("I1", "NLL, nats (margin 0.02)", ("human", "smooth")),
    ]
    numbers = study.numbers[(study.numbers["kind"] == "run") & (study.numbers["set"] == "test")]
    for row, metric, scale in zip(rows, ("accuracy", "nll"), (100, 1), strict=True):
        table = numbers[numbers["metric"] == metric].pivot_table(index="seed", columns="student", values="value")
        assert row.against["smooth"].to_numpy() == pytest.approx(scale * (table["human"] - table["smooth"]).to_numpy())
    assert (rows[0].higher, rows[1].higher) == (True, False)


def test_without_such_students_there_is_no_row(made):
    assert single_people.checks(study_of(read(*made))) == []
