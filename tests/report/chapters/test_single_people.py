"""Agreement with single people's soft labels: of the test images that they judged, from the predictions that are stored."""

import dataclasses

import numpy as np
import pytest

from softcifar import metrics
from softcifar.report.chapters.agreement import agreement
from softcifar.report.core import origins
from softcifar.report.core import results as reading
from softcifar.report.core.predictions import all_predictions
from tests.report.fixture import read, study_of


@pytest.fixture(scope="module")
def labels():
    """Of every fourth image."""
    table = np.zeros((200, 5))
    table[::4] = np.random.default_rng(0).dirichlet(np.ones(5), 50)
    return table


@pytest.fixture(scope="module")
def results(study, labels):
    return dataclasses.replace(read(*study), people=labels)


def test_only_images_that_were_judged_count(results, labels):
    run = all_predictions(results)["human"][0]
    found = {(metric, source): value for metric, source, _, value in agreement.rows(results, run)}
    probs, theirs = run.probs[::4], labels[::4]
    assert found["total_variation", "people"] == pytest.approx(0.5 * np.abs(probs - theirs).sum(axis=1).mean())
    assert found["cross_entropy", "people"] == pytest.approx(-(theirs * np.log(probs)).sum(axis=1).mean())
    assert found["kl_divergence", "people"] == pytest.approx(metrics.kl_divergence(theirs, probs))
    assert {source for _, source in found} == {"human", "exact", "people"}


def test_labels_go_by_the_images_places_in_the_official_part(results, labels):
    moved = [dict(parts, test=parts["test"] | {"index": parts["test"]["index"][::-1]}) for parts in results.splits]
    judged, theirs = dataclasses.replace(results, splits=moved).of_people()
    np.testing.assert_array_equal(judged, np.arange(3, 200, 4))
    np.testing.assert_array_equal(theirs, labels[::4][::-1])


def test_the_table_has_every_student_and_says_how_many_images(results):
    study = study_of(results)
    table = agreement.with_people(study)
    assert set(table.frame["student"]) == set(results.students)
    shown = table.frame[(table.frame["student"] == "human") & (table.frame["kind"] == "run")]["people_total_variation"].item()
    assert shown == pytest.approx(study.mean("total_variation", "people")["human"])
    assert "is known for 50 of the test images." in table.note
    votes = results.targets("test")["human"][::4]
    assert f"total variation of {metrics.total_variation(votes, results.people[::4]):.3f}".replace(" 0.", " .") in table.note


def test_the_votes_on_the_same_images_stand_beside(results):
    """The images that were judged may be disputed ones: votes on all images are no rival."""
    study = study_of(results)
    table = agreement.with_people(study)
    votes = results.targets("test")["human"]
    runs = [run for run in all_predictions(results)["human"] if run.kind == "run"]
    expected = [metrics.total_variation(run.probs[::4], votes[::4]) for run in runs]
    shown = table.frame[(table.frame["student"] == "human") & (table.frame["kind"] == "run")]
    assert shown["votes_same_images_total_variation"].item() == pytest.approx(np.mean(expected))
    assert "Votes total variation" in [title.split("\u00a0")[0] for title, _ in table.header]


def test_how_disputed_the_images_are_is_said(results):
    """Judged: ten images on which nobody agrees, and one on which all do."""
    votes = results.targets("test")["human"]
    entropy = metrics.entropy(votes)
    judged = np.append(np.argsort(-entropy)[:9], np.argmin(entropy))
    people = np.zeros((200, 5))
    people[judged] = 0.2
    note = agreement.with_people(study_of(dataclasses.replace(results, people=people))).note
    theirs, of_all = (f"{each:.3f}".lstrip("0") for each in (entropy[judged].mean(), entropy.mean()))
    sure = votes.max(axis=1) == 1
    assert f"have a mean entropy of {theirs}, on all test images {of_all};" in note
    assert f"unanimous on {100 * sure[judged].mean():.0f} % of them, of all on {100 * sure.mean():.0f} %." in note


def test_without_them_nothing_is_shown(study):
    results = read(*study)
    assert results.people is None
    assert len(results.of_people()[0]) == 0
    assert not agreement.with_people(study_of(results)).rows


def test_the_report_reads_what_params_name(study, labels, monkeypatch):
    root, params = study
    asked = []
    monkeypatch.setattr(reading, "read_soft_labels", lambda folder: asked.append(folder) or labels)
    named = params | {"report": params["report"] | {"people": "single"}}
    np.testing.assert_array_equal(read(root, named).people, labels)
    assert asked == [root / "data/raw/single"]


def test_a_student_of_theirs_needs_people_and_as_many_judgements_as_were_given(study, labels, monkeypatch):
    """A soft label of one person counts as a vote; many people's votes on the same images count as what they are."""
    root, params = study
    read_of = []
    given = np.where(labels.sum(axis=1) > 0, 7, 0)
    monkeypatch.setattr(reading, "read_asked", lambda folder: read_of.append(folder) or given)
    sources = {
        "human": {"source": "elicited", "people": "single"},
        "smooth": {"source": "human_where_elicited", "people": "single"},
    }
    named = params | {"labels": params["labels"] | {name: params["labels"][name] | each for name, each in sources.items()}}
    results = read(root, named)
    assert read_of == [root / "data/raw/single"]
    train = results.part("train")
    known = given[train["index"]] > 0
    assert 0 < known.mean() < 1
    assert origins.votes(results, "human") == pytest.approx(7 * known.mean(), abs=0.06)
    assert origins.votes(results, "smooth") == pytest.approx(51 * known.mean(), abs=0.5)
    assert origins.origin(results, "human") == origins.origin(results, "smooth") == "People"
