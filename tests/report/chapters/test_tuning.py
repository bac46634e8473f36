"""How tuned values were chosen: what was tried, what validation said, what it cost."""

import json

import matplotlib as mpl
import pytest

from softcifar.report.chapters.tuning.searches import at_edge, place, searches, table
from softcifar.report.chapters.tuning.validation import draw
from softcifar.report.core.drawing import RC
from softcifar.report.core.kinds import described, tuned
from tests.report.fixture import ALPHAS, read, row, study_of


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
    assert search.chosen == {"relaxed": [0], "relaxed_ece": [2]}


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


@pytest.fixture
def chooses(study):
    """The results where hard, which has no tuned option, chose among three initialisations."""
    results = read(*study)
    hard, relaxed = results.students["hard"], results.students["relaxed"]
    about = relaxed.about | {"candidates": [{"initialisation": c} for c in range(3)]}
    object.__setattr__(hard, "about", about)
    object.__setattr__(hard, "history", relaxed.history)
    return results


def test_initialisations_are_a_search_without_an_edge(chooses):
    first, other = searches(chooses)
    assert (first.initialisations, other.initialisations) == (True, False)
    assert first.values == [(0,), (1,), (2,)]
    shown = row(table(study_of(chooses)).frame, student="hard")
    assert (shown["tuned"], shown["tried"], shown["chosen"], shown["place"]) == ("initialisation", "0; 1; 2", "0", "–")
    assert (shown["candidates"], shown["networks"]) == (3, 3 * 2 + 1)
    assert not at_edge(shown["place"])


def test_an_initialisation_is_no_choice_among_values(chooses):
    """Of a student's options nothing was chosen, so its name carries no criterion."""
    assert not tuned(chooses, "hard")
    assert described(chooses, "hard") == "hard (hard labels)"


def test_initialisations_are_dots_without_a_line(chooses):
    study = study_of(chooses)
    with mpl.rc_context(RC):
        drawing = draw(study.with_tables({"tuning": table(study)}))
    styles = [ax.lines[-2].get_linestyle() for ax in drawing.figure.axes]  # the last line is the mark
    assert styles[:3] == ["None"] * 3
    assert "hard" not in drawing.finding
    assert drawing.finding.startswith("Every student tried 3 values or initialisations with 2 runs each.")


def test_the_note_tells_of_a_refit_and_counts_its_networks(study):
    results = read(*study)
    for name in ("relaxed", "relaxed_ece"):
        object.__setattr__(results.students[name], "about", results.students[name].about | {"refit": True})
    shown = table(study_of(results))
    assert "training and validation images together" in shown.note
    assert row(shown.frame, student="relaxed")["networks"] == 3 * 2 + 3


def test_place_of_a_choice():
    tried = [{"a": a, "b": b} for a in (1, 2, 3) for b in (0.1, 0.2)]
    assert place(tried, tried.index({"a": 2, "b": 0.1})) == "inside, lowest"
    assert place([{"a": 5}, {"a": 9}], 1) == "highest"
