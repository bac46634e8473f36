"""The novelty chapter: which score stands for which student, what is said of a score that fails."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from softcifar import metrics
from softcifar.report.chapters.novelty.own_scores import own_titles, table
from softcifar.report.chapters.novelty.scores import score_panels
from softcifar.report.core.kinds import method_title, own_score, score_titles
from softcifar.scores.energy import energy
from softcifar.scores.mutual_information import mutual_information
from tests.report.fixture import read, study_of
from tests.report.page import Page


@pytest.fixture(scope="module")
def results(study):
    return read(*study)


@pytest.fixture(scope="module")
def fabricated(results):
    return study_of(results)


@pytest.fixture(scope="module")
def predictions(fabricated):
    return fabricated.predictions


@pytest.fixture(scope="module")
def shown(fabricated):
    return table(fabricated).frame


def test_a_method_is_asked_for_its_own_score(results):
    assert own_score(results, "hard") == "predictive_entropy"
    assert own_score(results, "sampling") == "mutual_information"
    again = copy.deepcopy(results)
    again.students["hard"].novelty["variance"] = again.students["hard"].novelty["ddu"]
    assert own_score(again, "hard") == "variance"
    assert score_titles(again)["variance"] == "variance (softmax)"  # the score's name with its method's title


def test_a_method_brings_its_title(monkeypatch):
    from softcifar.methods import METHODS

    monkeypatch.setattr(METHODS["mc_dropout"], "title", "a title", raising=False)
    assert method_title("mc_dropout") == "a title"
    assert method_title("unheard_of") == "unheard_of"


def test_the_text_names_the_scores_that_methods_offer(fabricated):
    assert own_titles(fabricated) == [(method_title("mc_dropout"), "mutual information")]


def test_a_row_per_method_and_set(results, shown):
    assert list(zip(shown["student"], shown["set"], strict=True)) == [
        ("hard", "rings"), ("hard", "noise"), ("sampling", "rings"), ("sampling", "noise"),
    ]  # fmt: skip
    logits = results.students["sampling"].logits
    score = mutual_information
    expected = [metrics.auroc(a, b) for a, b in zip(score(logits["test"]), score(logits["ood_noise"]), strict=True)]
    assert shown.iloc[3]["auroc"] == pytest.approx(np.mean(expected))


def test_what_a_method_fitted_is_told(shown):
    assert shown["fitted"].tolist() == ["", "", *["mean_field 2 (0.5 to 3.5)"] * 2]


def test_a_failing_score_is_explained_and_no_other(results, shown, predictions):
    assert not shown.loc[shown["auroc"] > 0.5, "explanation"].any()
    turned = copy.deepcopy(predictions)
    for run in turned["hard"]:
        scores = run.novelty["predictive_entropy"]
        run.novelty["predictive_entropy"] = {name: -values for name, values in scores.items()}
    found = table(study_of(results, turned)).frame
    failing = found[(found["student"] == "hard") & (found["auroc"] <= 0.5)]
    assert len(failing)
    guesses = metrics.predictive(results.students["hard"].logits["ood_noise"]).argmax(axis=2)
    share = np.mean([np.bincount(run).max() / len(run) for run in guesses])
    explained = failing[failing["set"] == "noise"]["explanation"].iloc[0]
    assert f"{100 * share:.0f} % of the images go to one class" in explained


def test_networks_that_lag_behind_are_named(results, predictions):
    """By their own accuracy on the test images, not that of the networks that they taught."""
    turned = copy.deepcopy(predictions)
    for run in turned["sampling"]:
        run.novelty["mutual_information"] = {name: -each for name, each in run.novelty["mutual_information"].items()}
    lagging = study_of(results, turned)
    numbers = lagging.numbers
    of = {name: (numbers["student"] == name) & (numbers["metric"] == "accuracy") for name in ("hard", "sampling")}
    numbers.loc[of["hard"], "value"] = 0.9
    numbers.loc[of["hard"] & (numbers["set"] == "shallow"), "value"] = 0.1
    numbers.loc[of["sampling"], "value"] = 0.7
    found = table(lagging).frame
    failing = found[(found["student"] == "sampling") & (found["auroc"] <= 0.5)]["explanation"]
    assert len(failing)
    assert failing.str.contains("20 points less accurate than hard").all()


def test_the_reference_stands_for_the_scores_that_it_has(fabricated):
    panels = score_panels(fabricated)
    students = list(fabricated.students)
    assert [panels[name] for name in students] == [("predictive_entropy", name) for name in students]
    assert panels["energy: hard"] == ("energy", "hard")
    assert panels["mutual inf.: sampling"] == ("mutual_information", "sampling")
    others = [score for title, (score, _) in panels.items() if title not in students]
    assert len(set(others)) == len(others)
    assert "predictive_entropy" not in others


def test_the_page_has_a_chapter_with_its_figures_and_tables(study):
    ids = {attrs.get("id") for _, attrs in Page((study[0] / "reports/index.html").read_text()).tags}
    assert {"novelty", "figure-novelty_grid", "figure-novelty_scores", "figure-roc"} <= ids
    assert {"own_scores-table", "novelty-table"} <= ids


def test_ddu_files_have_the_published_keys(study, results, predictions):
    folder = study[0] / "reports" / "ddu"
    names = {f"{student}_{model}_{ood}.json" for student in results.students for model in ("softmax", "gmm", "ensemble")
             for ood in ("rings", "noise")}  # fmt: skip
    assert {path.name for path in folder.iterdir()} == names
    density = json.loads((folder / "hard_gmm_noise.json").read_text())
    keys = {f"{prefix}{which}_{what}" for prefix in ("", "t_") for which in ("m1", "m2") for what in ("auroc", "auprc")}
    for part in ("mean", "std", "values"):
        assert keys | {"accuracy", "ece", "t_ece"} <= set(density[part])
    scores = results.students["hard"].novelty["ddu"]
    expected = [metrics.auroc(a, b) for a, b in zip(scores["test"], scores["ood_noise"], strict=True)]
    assert density["values"]["m1_auroc"] == pytest.approx(expected)
    assert density["values"]["t_m1_auroc"] == pytest.approx(expected)
    assert density["std"]["m1_auroc"] == pytest.approx(np.std(expected, ddof=1) / np.sqrt(3))
    assert density["info"]["temperature"] == pytest.approx([run.temperature for run in predictions["hard"][:3]])
    softmax = json.loads((folder / "hard_softmax_noise.json").read_text())
    run = predictions["hard"][0]
    logits = results.students["hard"].logits
    scaled = [energy(logits[name][0] / run.temperature) for name in ("test", "ood_noise")]
    assert softmax["values"]["t_m1_auroc"][0] == pytest.approx(metrics.auroc(*scaled))
    assert softmax["values"]["t_m1_auprc_in"][0] == pytest.approx(metrics.average_precision(*scaled, positive="in"))
    assert json.loads((folder / "hard_ensemble_noise.json").read_text())["std"]["accuracy"] is None


def test_an_ensemble_has_the_mean_of_its_members_densities(study, results):
    every = pd.read_csv(study[0] / "reports/tables/novelty.csv")
    row = every[(every["student"] == "hard") & (every["kind"] == "ensemble") & (every["set"] == "noise")].set_index("score")
    scores = results.students["hard"].novelty["ddu"]
    novelty = [-np.log(np.exp(-scores[name]).mean(axis=0)) for name in ("test", "ood_noise")]
    assert row["auroc"]["ddu"] == pytest.approx(metrics.auroc(*novelty))
    assert "mahalanobis" not in row.index  # a distance, whose mean is no density
