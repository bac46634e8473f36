"""Decisions: the tables hold the metrics of the stored logits, the words what the study did with its validation images."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from softcifar import metrics
from softcifar.conformal.lac import lac
from softcifar.conformal.sets import prediction_sets, threshold
from softcifar.metrics.prediction_sets import covered
from softcifar.metrics.selective import aurc, coverage_at_risk
from softcifar.report.chapters.calibration import calibrators
from softcifar.report.chapters.decisions import guarantee, selective, sets
from softcifar.scores.max_probability import max_probability
from softcifar.scores.normalised_max_logit import fit_order, normalised_max_logit
from tests.report.fixture import read, row, study_of


@pytest.fixture(scope="module")
def made(study):
    return study_of(read(*study))


def stored(study, name):
    root, _ = study
    logits = np.load(root / "scores/students" / name / "logits.npz")
    return logits, *(np.load(root / f"data/study/{part}.npz") for part in ("validation", "test"))


@pytest.mark.parametrize("name", ["hard", "sampling"])
def test_refusing_is_computed_from_the_logits(study, tables, name):
    logits, validation, test = stored(study, name)
    areas, shares, normalised = [], [], []
    for fit, run in zip(logits["validation"], logits["test"], strict=True):
        wrong = metrics.predictive(run).argmax(axis=1) != test["labels"]
        areas.append(aurc(max_probability(run), wrong))
        shares.append(coverage_at_risk(max_probability(run), wrong))
        normalised.append(aurc(normalised_max_logit(run, order=fit_order(fit, validation["labels"])), wrong))
    shown = row(tables["selective"], student=name, kind="run")
    assert shown["aurc"] == pytest.approx(np.mean(areas))
    assert shown["coverage5"] == pytest.approx(np.mean(shares))
    assert shown["aurc_normalised"] == pytest.approx(np.mean(normalised))


def test_every_score_of_the_study_refuses(tables, made):
    scores = tables["selective_scores"]
    of_runs = scores[scores["student"] == "sampling"]
    assert set(of_runs["score"]) == {*made.predictions["sampling"][0].novelty, "normalised_max_logit"}
    assert {"ddu", "mahalanobis", "mutual_information"} <= set(of_runs["score"])


def test_sets_are_computed_from_validation_and_test(study, made):
    logits, validation, test = stored(study, "human")
    shares = test["votes"] / test["votes"].sum(axis=1, keepdims=True)
    apart = (test["votes"] > 0).sum(axis=1) > 1
    found = {"set_coverage": [], "set_people": [], "set_size": [], "set_disputed": [], "size_agreed": []}
    for fit, run in zip(logits["validation"], logits["test"], strict=True):
        limit = threshold(lac(metrics.predictive(fit)), validation["labels"], miss=0.05)
        made_sets = prediction_sets(lac(metrics.predictive(run)), limit)
        held = covered(made_sets, test["labels"])
        found["set_coverage"].append(held.mean())
        found["set_people"].append((made_sets * shares).sum(axis=1).mean())
        found["set_size"].append(made_sets.sum(axis=1).mean())
        found["set_disputed"].append(held[apart].mean())
        found["size_agreed"].append(made_sets[~apart].sum(axis=1).mean())
    for metric, values in found.items():
        assert made.mean(metric, "labels", "lac")["human"] == pytest.approx(np.mean(values)), metric


def test_the_table_of_sets_has_every_method_for_labels_and_votes(tables, made):
    shown = tables["sets"]
    assert list(zip(shown["to"], shown["method"], strict=True)) == [
        (to, method) for to in ("labels", "votes") for method in ("lac", "aps", "raps")
    ]
    means = made.mean("set_people", "votes", "aps")
    assert row(shown, to="votes", method="aps")["set_people"] == pytest.approx(np.mean(list(means.values())))


def test_the_note_says_what_calibrating_to_votes_changes(made):
    before, after = (100 * np.mean(list(made.mean("set_people", to, "raps").values())) for to in ("labels", "votes"))
    assert f"RAPS from {before:.1f} to {after:.1f} % (" in sets.table(made).note


def test_each_class_has_what_its_sets_hold(study, tables, made):
    shown, held = tables["sets_by_class"], []
    for name in made.students:
        logits, validation, test = stored(study, name)
        of = test["labels"] == 2
        for fit, run in zip(logits["validation"], logits["test"], strict=True):
            limit = threshold(lac(metrics.predictive(fit)), validation["labels"], miss=0.05)
            held.append((lac(metrics.predictive(run))[of, 2] <= limit).mean())
    assert list(shown["class"]) == made.results.classes
    assert shown["lac_coverage"][2] == pytest.approx(np.mean(held))


def test_without_votes_there_is_neither_a_persons_answer_nor_a_disputed_image(study):
    results = read(*study)
    for part in results.splits[0].values():
        part.pop("votes", None)
        part.pop("exact", None)
    made = study_of(results)
    shown = sets.table(made)
    assert set(shown.frame["to"]) == {"labels"}
    assert "set_people" not in shown.frame
    assert not any("vote" in title or "isputed" in title for title, _ in shown.header)


def test_the_spread_of_coverage_is_that_of_simulated_validation_sets():
    """With uniform scores the share held by a threshold is the threshold itself."""
    generator = np.random.default_rng(0)
    labels = np.zeros(50, dtype=int)
    drawn = [threshold(np.stack([own, own], axis=1), labels, miss=0.05) for own in generator.random((4000, 50))]
    low, high = guarantee.spread(50)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([low, high], abs=0.01)
    assert (low, high) == pytest.approx(beta.ppf([0.025, 0.975], 49, 2))
    assert guarantee.spread(5) is None


def test_the_words_name_whom_validation_decided_and_what_their_sets_hold(made):
    words = " ".join(guarantee.in_words(made))
    assert "from 200 validation images" in words
    assert "hard, smooth, human and 4 more kept the epoch with the best validation score" in words
    assert "relaxed and relaxed_ece chose among tuned values by them" in words
    held = 100 * np.mean(list(made.mean("set_coverage", "labels", "lac").values()))
    assert f"All students: on the test images their sets hold the label in {held:.1f} % by LAC" in words


def test_students_that_validation_decided_nothing_of_stand_apart(study):
    results = copy.deepcopy(read(*study))
    results.params["teachers"]["crossfitted"]["checkpoint"] = "last"
    for student in results.students.values():
        student.options["checkpoint"] = "last"
    made = study_of(results)
    words = " ".join(guarantee.in_words(made))
    of = made.mean("set_coverage", "labels", "lac")
    named = ["sampling", "relaxed", "relaxed_ece"]
    held = 100 * np.mean([of[name] for name in named])
    assert f"The students just named: on the test images their sets hold the label in {held:.1f} % by LAC" in words
    others = [share for name, share in of.items() if name not in named]
    assert f"The others: on the test images their sets hold the label in {100 * np.mean(others):.1f} %" in words


def test_where_they_decided_nothing_the_words_say_so(study):
    results = copy.deepcopy(read(*study))
    results.params["teachers"]["crossfitted"]["checkpoint"] = "last"
    for student in results.students.values():
        student.options["checkpoint"] = "last"
        student.about.update(candidates=[{}], fitted={})
    words = " ".join(guarantee.in_words(study_of(results)))
    assert "Here they decided nothing else. All students: " in words
    assert "not proven" not in words


def test_the_answer_names_first_and_last(made):
    words, shares = selective.answer(made), made.mean("coverage5", "test", "max_probability")
    first, last = max(shares, key=shares.get), min(shares, key=shares.get)
    assert f"{first} can answer most, {100 * shares[first]:.0f} % of the test images, {last} fewest" in words


def test_the_page_has_the_chapter_and_its_figures(study):
    root, _ = study
    page = (root / "reports/index.html").read_text()
    assert 'id="decisions"' in page
    for name in ("risk_coverage", "set_sizes"):
        assert f'id="figure-{name}"' in page
        assert (root / f"reports/figures/{name}.svg").exists()


def test_dvcs_numbers_did_not_grow(study):
    numbers = pd.read_json(study[0] / "reports/metrics.json")
    assert not [name for name in numbers.index if "aurc" in name or "set_" in name or "calibrated" in name]


def test_draws_are_a_runs_own_and_the_same_for_all_students(made):
    first, second = made.predictions["hard"][:2]
    other = dataclasses.replace(first, student="smooth", probs=first.probs)
    later = dataclasses.replace(second, probs=first.probs)
    aps = [{name: test for name, _, test in sets.scores_of(made.results, each)} for each in (first, other, later)]
    np.testing.assert_array_equal(aps[0]["aps"], aps[1]["aps"])
    assert np.abs(aps[0]["aps"] - aps[2]["aps"]).max() > 0.01
    np.testing.assert_array_equal(aps[0]["lac"], aps[2]["lac"])


def test_of_networks_that_learned_from_validation_images_an_error_may_go_either_way(study):
    results = copy.deepcopy(read(*study))
    assert "either way" not in " ".join(guarantee.in_words(study_of(results)))
    for student in results.students.values():
        student.about["refit"] = True
    made = study_of(results)
    assert "an error may go either way" in " ".join(guarantee.in_words(made))
    note = calibrators.table(made).note
    assert "an error may go either way" in note
    assert "a little too good" not in note


def test_whose_votes_they_are_is_said_where_they_are_not_peoples(study, made):
    assert "The votes of this data set are simulated annotators'." in sets.table(made).note
    results = copy.deepcopy(read(*study))
    results.params["data"]["votes"] = {"test": "people"}
    assert "simulated" not in sets.table(study_of(results)).note


def test_a_class_that_validation_lacks_still_has_its_row(study):
    """Thresholds and norms come from the other classes, and whatever the class gets is shown."""
    results = copy.deepcopy(read(*study))
    validation = results.splits[0]["validation"]
    kept = validation["labels"] != 2
    results.splits[0]["validation"] = {name: array[kept] for name, array in validation.items()}
    students = {
        name: dataclasses.replace(student, logits=student.logits | {"validation": student.logits["validation"][:, :, kept]})
        for name, student in results.students.items()
        if name in ("hard", "human")
    }
    made = study_of(dataclasses.replace(results, students=students))
    shown = sets.by_class(made).frame
    assert list(shown["class"]) == results.classes
    assert shown.select_dtypes("number").notna().all(axis=None)
    test = results.part("test")
    held = []
    for student in students.values():
        for fit, run in zip(student.logits["validation"], student.logits["test"], strict=True):
            limit = threshold(lac(metrics.predictive(fit)), validation["labels"][kept], miss=0.05)
            held.append((lac(metrics.predictive(run))[test["labels"] == 2, 2] <= limit).mean())
    assert shown["lac_coverage"][2] == pytest.approx(np.mean(held))
    for table in (sets.table, sets.by_student, selective.table, selective.by_score, calibrators.table):
        assert table(made).rows, table.__module__
    assert f"from {kept.sum()} validation images" in " ".join(guarantee.in_words(made))
    assert "can answer most" in selective.answer(made)
