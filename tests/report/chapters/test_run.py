"""What was run: a table tells what differs between students."""

import copy

from softcifar.report.chapters.run.facts import label_sources, students
from tests.report.fixture import read


def test_a_student_s_row_says_what_differs_from_the_recipe(study):
    root, params = study
    header, rows = students(read(root, params))
    assert header == ["student", "labels", "differs from the recipe", "chosen on validation", "runs"]
    of = {row[0]: row[1:] for row in rows}
    assert of["hard"] == ["hard", "–", "–", "3"]
    assert of["human"] == ["human", "–", "–", "3"]
    assert of["sampling"] == ["hard", "network.dropout 0.1; method mc_dropout (samples 4)", "–", "3"]
    relaxed = "loss label_relaxation (alpha 0.05, 0.1, 0.2)"
    assert of["relaxed"] == ["hard", relaxed, "loss.alpha 0.05", "3"]
    assert of["relaxed_ece"] == ["hard", f"{relaxed}; choose_by ece", "loss.alpha 0.2", "3"]


def test_every_other_option_is_named_with_its_value(study):
    root, params = study
    other = copy.deepcopy(params)
    other["students"]["human"] |= {"epochs": 20, "augment": [], "choose_by": "ece"}  # it has nothing to choose
    rows = students(read(root, other))[1]
    assert rows[2][2] == "augment none; epochs 20"


def test_the_distance_of_labels_is_to_the_votes_of_who_gave_them(study):
    results = copy.deepcopy(read(*study))
    assert "distance to simulated annotators' votes" in label_sources(results)[0]
    results.params["data"]["votes"] = {"test": "people"}
    assert "distance to people's votes" in label_sources(results)[0]
