"""The numbers of the networks distilled from students, and that they stay apart from the students' own."""

import copy

import numpy as np
import pytest
from scipy import stats

from softcifar import metrics
from tests.report.fixture import read, row


def test_teaching_holds_the_shallow_networks_numbers(study, tables):
    root, _ = study
    labels = np.load(root / "data/study/test.npz")["labels"]
    taught = metrics.predictive(np.load(root / "scores/shallow/smooth/logits.npz")["test"])
    teacher = metrics.predictive(np.load(root / "scores/students/smooth/logits.npz")["test"])
    shown = row(tables["teaching"], student="smooth")
    assert list(tables["teaching"]["student"]) == ["hard", "smooth", "instance"]
    assert shown["shallow_accuracy"] == pytest.approx(np.mean([metrics.accuracy(run, labels) for run in taught]))
    assert shown["own_accuracy"] == pytest.approx(np.mean([metrics.accuracy(run, labels) for run in teacher]))
    same = [(a.argmax(1) == b.argmax(1)).mean() for a, b in zip(taught, teacher, strict=True)]
    assert shown["same_prediction"] == pytest.approx(np.mean(same))
    kl = [stats.entropy(b, a, axis=1).mean() for a, b in zip(taught, teacher, strict=True)]
    assert shown["kl_from_teacher"] == pytest.approx(np.mean(kl))


def test_the_summary_keeps_to_the_students_own_accuracy(study, tables):
    """The shallow networks' accuracies stand in the same long table; they must not leak into other columns."""
    labels = np.load(study[0] / "data/study/test.npz")["labels"]
    logits = np.load(study[0] / "scores/students/smooth/logits.npz")["test"]
    own = np.mean([metrics.accuracy(run, labels) for run in metrics.predictive(logits)])
    assert row(tables["summary"], student="smooth", kind="run")["accuracy"] == pytest.approx(own)


@pytest.mark.parametrize("form", [list, dict.fromkeys])
def test_the_teachers_may_be_a_list_or_the_names_of_a_mapping(study, form):
    root, params = study
    changed = copy.deepcopy(params)
    changed["distillation"]["students"] = form(["smooth", "hard"])
    assert list(read(root, changed).shallow) == ["smooth", "hard"]
