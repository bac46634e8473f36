"""Calibrators in the report: fitted on validation, scored on test, to labels and to votes."""

import copy

import numpy as np
import pytest

from softcifar import metrics
from softcifar.calibrators import CALIBRATORS
from softcifar.report.chapters.calibration import calibrators
from tests.report.fixture import read, row, study_of


@pytest.fixture(scope="module")
def made(study):
    return study_of(read(*study), calibrated=True)


@pytest.mark.parametrize(("name", "to"), [("vector", "labels"), ("dirichlet", "votes")])
def test_a_number_is_that_of_the_calibrated_test_predictions(study, made, name, to):
    root, _ = study
    logits = np.load(root / "scores/students/smooth/logits.npz")
    validation, test = (np.load(root / f"data/study/{part}.npz") for part in ("validation", "test"))
    shares = {part: each["votes"] / each["votes"].sum(axis=1, keepdims=True) for part, each in (("v", validation), ("t", test))}
    given = validation["labels"] if to == "labels" else shares["v"]
    errors, distances = [], []
    for fit, run in zip(logits["validation"], logits["test"], strict=True):
        probs = CALIBRATORS[name](fit, given)(run)
        errors.append(metrics.expected_calibration_error(probs, test["labels"], bins=10))
        distances.append(metrics.kl_divergence(shares["t"], probs))
    assert made.mean("calibrated_ece", to, name)["smooth"] == pytest.approx(np.mean(errors))
    assert made.mean("calibrated_kl_divergence", to, name)["smooth"] == pytest.approx(np.mean(distances))


def test_temperature_scaling_to_labels_is_the_one_that_stood_there_before(made):
    for metric in ("ece", "nll", "classwise_ece"):
        before, after = made.mean(f"{metric}_scaled"), made.mean(f"calibrated_{metric}", "labels", "temperature")
        assert after == pytest.approx(before, abs=1e-6)


def test_the_table_has_every_calibrator_for_labels_and_votes_after_none(tables, made):
    shown = tables["calibrators"].fillna("")
    expected = [("", ""), *((to, name) for to in ("labels", "votes") for name in CALIBRATORS)]
    assert list(zip(shown["to"], shown["calibrator"], strict=True)) == expected
    assert shown["ece"][0] == pytest.approx(np.mean(list(made.mean("ece").values())))
    assert row(shown, to="labels", calibrator="isotonic")["brier"] == pytest.approx(
        np.mean(list(made.mean("calibrated_brier", "labels", "isotonic").values()))
    )


def test_the_note_names_the_calibrator_that_leaves_least(made):
    means = {name: np.mean(list(made.mean("calibrated_ece", "labels", name).values())) for name in CALIBRATORS}
    best = calibrators.TITLES[min(means, key=means.get)]
    assert f"Fitted to labels, {best} leaves the lowest mean ECE" in calibrators.table(made).note


def test_one_vote_per_image_is_drawn_as_people_voted():
    shares = np.tile([0.2, 0, 0.5, 0.3], (20_000, 1))
    places = np.arange(len(shares))
    drawn = calibrators.one_vote(shares, places, 0)
    assert np.bincount(drawn, minlength=4) / len(drawn) == pytest.approx(shares[0], abs=0.01)
    assert (calibrators.one_vote(shares, places, 1) != drawn).any()
    assert (calibrators.one_vote(shares, places[::-1], 0) == drawn[::-1]).all()  # of the image, not of its place in a split
    assert calibrators.one_vote(np.array([[0.1] * 10]), np.array([0]), 0) <= 9


def test_without_votes_they_are_fitted_to_labels_alone(study):
    results = read(*study)
    for part in results.splits[0].values():
        part.pop("votes", None)
    made = study_of(results, calibrated=True)
    shown = calibrators.table(made)
    assert set(shown.frame["to"]) == {"", "labels"}
    assert "Fitted to votes" not in shown.note
    assert "KL as trained" not in dict(calibrators.by_student(made).header)


def test_votes_that_are_not_peoples_are_not_called_so(study):
    results = copy.deepcopy(read(*study))
    made = study_of(results, calibrated=True)
    words = [calibrators.table(made).note, calibrators.by_student(made).note, str(calibrators.by_student(made).header)]
    assert all("simulated annotators' votes" in text for text in words)
    assert not any("people's" in text for text in [*words, str(calibrators.table(made).header)])
    results.params["data"]["votes"] = {"test": "people"}
    assert "KL divergence from people's votes" in calibrators.table(made).note
