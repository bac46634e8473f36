"""Means over students, with the error over runs; sentences that list names; what else validation images decided."""

import copy

import pandas as pd
import pytest

from softcifar.report.core.averages import over_students
from softcifar.report.core.columns import Column
from softcifar.report.core.long_table import typed
from softcifar.report.core.validation import EPOCH, REFIT, STARTS, STOPPED, TAUGHT, TUNED, other_uses, used
from softcifar.report.core.words import listed
from tests.report.fixture import read


def test_the_error_is_over_runs_of_the_mean_over_students():
    rows = [("a", "run", 0, 1.0), ("b", "run", 0, 3.0), ("a", "run", 1, 2.0), ("b", "run", 1, 6.0), ("a", "ensemble", 0, 99.0)]
    numbers = typed([(name, kind, seed, "metric", "test", "", value) for name, kind, seed, value in rows])
    shown, missing = Column("key", "", "", "metric"), Column("other", "", "", "nothing")
    found = over_students(numbers, ["metric", "nothing"], ["a", "b"])([shown, missing])
    assert found == {"key": pytest.approx(3.0), "key_se": pytest.approx(pd.Series([2.0, 4.0]).sem())}


def test_students_without_all_runs_or_named_twice_are_left_out():
    rows = [("a", 0, 1.0), ("a", 1, 2.0), ("short", 0, 90.0), ("twin", 0, 50.0), ("twin", 1, 50.0)]
    numbers = typed([(name, "run", seed, "metric", "test", "", value) for name, seed, value in rows])
    found = over_students(numbers, ["metric"], ["a", "short"])([Column("key", "", "", "metric")])
    assert found["key"] == pytest.approx(1.5)


def test_names_in_a_sentence():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c", "d"]) == "a, b, c and d"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_what_validation_decided_is_told_of_each_student(study):
    results = copy.deepcopy(read(*study))
    results.params["teachers"]["crossfitted"]["checkpoint"] = "last"
    uses = other_uses(results)
    assert uses[EPOCH] == list(results.students)  # all keep their best epoch
    assert uses[TUNED] == ["relaxed", "relaxed_ece"]
    assert uses["fitted mean field on them after training"] == ["sampling"]
    assert used(results) == list(results.students)
    for student in results.students.values():
        student.options["checkpoint"] = "last"
    assert used(results) == ["sampling", "relaxed", "relaxed_ece"]
    results.students["hard"].about["refit"] = True
    results.students["hard"].about["candidates"] = [{"initialisation": 0}, {"initialisation": 1}]
    assert other_uses(results)[REFIT] == ["hard"]
    assert other_uses(results)[STARTS] == ["hard"]


def test_patience_and_teachers_that_validation_decided_are_told(study):
    results = copy.deepcopy(read(*study))
    assert other_uses(results)[TAUGHT] == ["instance"]  # its teacher kept the best epoch
    teacher = results.params["teachers"]["crossfitted"]
    teacher["checkpoint"] = "last"
    assert {TAUGHT, STOPPED}.isdisjoint(other_uses(results))
    teacher["folds"] = 1  # its temperature is fitted on validation, and the labels are made of calibrated logits
    results.students["hard"].options["patience"] = 3
    assert other_uses(results)[TAUGHT] == ["instance"]
    assert other_uses(results)[STOPPED] == ["hard"]
    results.params["labels"]["instance"]["source"] = "instance_based"  # of logits as they are
    assert TAUGHT not in other_uses(results)
