"""How the report tells of training: tuning, teachers, teaching."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from softcifar import metrics
from softcifar.report.tuning import place, searches
from tests.report.fixture import ALPHAS, read, row


@pytest.fixture(scope="module")
def tables(study):
    return {path.stem: pd.read_csv(path) for path in (study[0] / "reports" / "tables").glob("*.csv")}


# Tuning


def test_every_tuned_student_has_its_choice_and_budget(study, tables):
    assert list(tables["tuning"]["student"]) == ["relaxed", "relaxed_ece"]
    for name, chosen, criterion in (("relaxed", 0.05, "accuracy"), ("relaxed_ece", 0.2, "ece")):
        about = json.loads((study[0] / "scores/students" / name / "about.json").read_text())
        shown = row(tables["tuning"], student=name)
        assert float(shown["chosen"]) == chosen
        assert shown["chosen_by"] == criterion
        assert shown["tried"] == "0.05; 0.1; 0.2"
        assert shown["validation_ece"] == pytest.approx(about["validation"]["ece"][about["choice"]])
        assert (shown["candidates"], shown["search_runs"], shown["networks"]) == (3, 2, 3 * 2 + 1)


def test_students_that_share_networks_are_one_search(study):
    [search] = searches(read(*study))
    assert search.names == ["loss.alpha"]
    assert search.values == [(alpha,) for alpha in ALPHAS]
    assert search.chosen == {"relaxed": 0, "relaxed_ece": 2}


def test_the_curves_are_those_that_chose(study):
    """Means over the search runs at the kept epochs, recomputed from the histories, are what training noted."""
    [search] = searches(read(*study))
    about = json.loads((study[0] / "scores/students" / "relaxed" / "about.json").read_text())
    for score, values in search.scores.items():
        assert values.shape == (3, 2)
        assert values.mean(axis=1) == pytest.approx(about["validation"][score])


def test_with_checkpoint_last_the_last_epoch_counts(study):
    results = read(*study)
    options = results.students["relaxed"].options | {"checkpoint": "last"}
    object.__setattr__(results.students["relaxed"], "options", options)
    history = results.students["relaxed"].history
    last = history[(history["epoch"] == 12) & (history["seed"] < 2)]
    [search] = searches(results)
    assert search.scores["nll"].ravel() == pytest.approx(last["validation_nll"].to_numpy())


def test_place_of_a_choice():
    tried = [{"a": a, "b": b} for a in (1, 2, 3) for b in (0.1, 0.2)]
    assert place(tried, tried.index({"a": 2, "b": 0.1})) == "inside, lowest"
    assert place([{"a": 5}, {"a": 9}], 1) == "highest"


# Teachers


def test_teachers_are_told_apart_by_what_they_say_of_single_images(study, tables):
    train = np.load(study[0] / "data/study/train.npz")
    logits = np.load(study[0] / "models/teachers/crossfitted/logits.npz")["logits"]
    probs = metrics.predictive(logits[None])
    shown = row(tables["teachers"], teacher="crossfitted")
    assert shown["way"] == "cross-fitted, 5 folds"
    assert shown["label_probability"] == pytest.approx(probs[np.arange(200), train["labels"]].mean())
    assert shown["human_kl"] == pytest.approx(metrics.kl_divergence(train["votes"] / 51, probs))
    ranks = stats.spearmanr(metrics.entropy(probs), metrics.entropy(train["exact"])).statistic
    assert shown["exact_entropy_rank_correlation"] == pytest.approx(ranks)
    insample = row(tables["teachers"], teacher="insample")
    assert insample["way"] == "in-sample"
    assert insample["instance_information"] < 0.1 * shown["instance_information"]


# Teaching


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
