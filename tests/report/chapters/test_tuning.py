"""How tuned values were chosen: what was tried, what validation said, what it cost."""

import json

import pytest

from softcifar.report.chapters.tuning.searches import place, searches
from tests.report.fixture import ALPHAS, read, row


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
