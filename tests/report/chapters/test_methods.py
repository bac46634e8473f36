"""Methods and their cost: gains over the plain student with the same labels, by hand, and what is said of them."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest

from softcifar import metrics
from softcifar.metrics.statistics import over_runs
from softcifar.report.chapters.methods import figure, gains
from softcifar.report.core.design import Design
from softcifar.report.core.pairs import NLL
from tests.report.fixture import read, row, study_of


@pytest.fixture(scope="module")
def made(study):
    return study_of(read(*study))


def test_gains_are_paired_differences_over_the_plain_student(tables, study):
    logits = {name: np.load(study[0] / f"scores/students/{name}/logits.npz")["test"] for name in ("hard", "sampling")}
    labels = np.load(study[0] / "data/study/test.npz")["labels"]
    hard, sampling = (
        np.array([metrics.negative_log_likelihood(metrics.predictive(run), labels) for run in of]) for of in logits.values()
    )
    falls = hard - sampling
    shown = row(tables["methods"], student="sampling")
    assert (shown["plain"], shown["n"], shown["passes"]) == ("hard", 3, 4)
    assert shown["nll"] == pytest.approx(falls.mean())
    half = 4.302653 * falls.std(ddof=1) / np.sqrt(3)  # Student's t with 2 degrees of freedom
    assert (shown["nll_low"], shown["nll_high"]) == pytest.approx((falls.mean() - half, falls.mean() + half))


def test_a_gain_that_is_0_but_for_rounding_is_none(made):
    numbers = made.numbers.copy()
    of = {
        name: (numbers["metric"] == "nll") & (numbers["student"] == name) & (numbers["set"] == "test")
        for name in ("hard", "sampling")
    }
    runs = {name: numbers[which & (numbers["kind"] == "run")].sort_values("seed").index for name, which in of.items()}
    numbers.loc[runs["sampling"], "value"] = numbers.loc[runs["hard"], "value"].to_numpy() - [1e-13, 2e-13, 3e-13]
    rounded = dataclasses.replace(made, numbers=numbers)
    assert gains.gather(rounded)[0].gains["NLL, nats"].mean == 0.0
    assert "NLL, nats: 0 of 1 student with" in " ".join(gains.answers(rounded))


def test_the_ensemble_of_the_plain_student_stands_beside_them(tables, made):
    shown = row(tables["methods"], student="ensemble of hard")
    summary = {kind: row(tables["summary"], student="hard", kind=kind) for kind in ("run", "ensemble")}
    assert shown["accuracy"] == pytest.approx(100 * (summary["ensemble"]["accuracy"] - summary["run"]["accuracy"]))
    assert shown["ece"] == pytest.approx(summary["run"]["ece"] - summary["ensemble"]["ece"])
    assert (shown["passes"], shown["parameters"], shown["seen"], shown["n"]) == (3, 3, 3, 1)
    assert set(tables["methods"]["student"]) == {"sampling", "ensemble of hard"}
    assert np.isnan(shown["nll_low"])


def test_the_plain_student_is_the_one_whose_other_options_differ_least(made):
    results = made.results
    assert gains.counterpart(results, "sampling") == "hard"
    params = copy.deepcopy(results.params)
    other = copy.deepcopy(params["students"]["hard"])
    params["students"]["hard"]["lr"] = 0.7
    params["students"]["nearer"] = other
    nearer = dataclasses.replace(results, params=params)
    assert gains.counterpart(nearer, "sampling") == "nearer"
    params["students"]["sampling"]["labels"] = "human"
    assert gains.counterpart(nearer, "sampling") == "human"
    params["students"]["sampling"]["labels"] = "unheard of"
    assert gains.counterpart(nearer, "sampling") is None


def test_scores_that_the_study_names_are_no_methods_own(made):
    """The novelty stage's scores stand beside those of evaluation; a method's own still counts."""
    results = copy.deepcopy(made.results)
    scores = results.students["sampling"].novelty
    scores["knn"] = scores["ddu"]
    by_title = {measure.title: measure.score for measure in gains.measures(results)}
    assert by_title["AUROC near"]["sampling"] == "predictive_entropy"
    scores["variance"] = scores["ddu"]
    by_title = {measure.title: measure.score for measure in gains.measures(results)}
    assert by_title["AUROC near"]["sampling"] == "variance"


def test_what_a_method_stores_beside_its_weights_is_told(made):
    swag = {"name": "swag", "options": {"start": 5, "samples": 7}}
    params = copy.deepcopy(made.results.params)
    params["students"]["sampling"]["method"] = swag
    found = dataclasses.replace(made, results=dataclasses.replace(made.results, params=params))
    assert row(gains.table(found).frame, student="sampling")["keeps"] == "7 further networks"
    assert "weights × 1 (7 further networks stored)" in gains.answers(found)[1]
    assert row(gains.table(made).frame, student="sampling")["keeps"] == ""
    params["students"]["sampling"]["method"] = {"name": "laplace", "options": {}}
    assert "(the covariance of its last layer's weights stored)" in gains.answers(found)[1]


def test_what_differs_beside_the_method_is_told(made):
    """The fabricated student of MC dropout has dropout in its network."""
    params = copy.deepcopy(made.results.params)
    found = dataclasses.replace(made, results=dataclasses.replace(made.results, params=params))
    assert gains.differences(found) == ["sampling (MC dropout) differs from hard in network.dropout (0.1; there 0.0)."]
    params["students"]["hard"]["lookahead"] = {"every": 5, "decay": 0.9}
    (sentence,) = gains.differences(found)
    assert ", lookahead.every (none; there 5) and lookahead.decay (none; there 0.9)." in sentence
    params["students"]["sampling"] = params["students"]["hard"] | {"method": params["students"]["sampling"]["method"]}
    assert gains.differences(found) == []


def test_intervals_are_about_further_images_where_splits_tell_of_them(made):
    """Three runs, each a split of its own or two of them on one."""
    values = NLL.of(made.numbers, ["sampling", "hard"])
    falls = values["hard"] - values["sampling"]
    for splits, expected in ((1, falls), (3, falls), (2, None)):
        design = Design(splits=splits)
        gain = gains.gather(dataclasses.replace(made, design=design))[0].gains[NLL.title]
        wanted = design.these(falls) if expected is None else over_runs(expected.to_numpy())
        assert (gain.mean, gain.low, gain.high) == pytest.approx((falls.mean(), *wanted.interval()))
    runs = pd.Series([0.01, 0.02, 0.03, 0.03, 0.04, 0.05])  # two on each of three splits: the means of splits alone count
    low, high = Design(splits=3).shown(runs).interval()
    half = 4.302653 * 0.01 / np.sqrt(3)
    assert (low, high) == pytest.approx((0.03 - half, 0.03 + half))


def test_methods_are_judged_against_the_plain_student_beside_them(made):
    (row,) = gains.judged_gains(made, NLL)
    values = NLL.of(made.numbers, ["sampling", "hard"])
    assert (row.compared, row.students) == ("sampling", ("sampling", "hard"))
    assert row.effect == pytest.approx((values["sampling"] - values["hard"]).mean())


def test_without_a_method_there_is_no_chapter(made):
    params = copy.deepcopy(made.results.params)
    params["students"]["sampling"]["method"] = {"name": "softmax", "options": {}}
    plain = dataclasses.replace(made, results=dataclasses.replace(made.results, params=params))
    assert gains.gather(plain) == []
    assert gains.table(plain).rows == []
    assert gains.answers(plain) == []
    assert figure.draw(plain) is None


def test_what_is_said_follows_from_the_numbers(made, tables):
    sentences = gains.answers(made)
    assert len(sentences) == 5  # accuracy, NLL, ECE, AUROC near and far
    shown = row(tables["methods"], student="sampling")
    assert sentences[1].startswith(f"NLL, nats: {int(shown['nll'] > 0)} of 1 student with a method gain over the plain network")
    assert "best sampling (MC dropout)" in sentences[1]
    assert "at 4 passes, weights × 1, training × 1; the deep ensemble of 3 hard networks" in sentences[1]
    assert sentences[1].endswith("at 3 passes, weights × 3, training × 3.")
    worse = made.numbers.assign(value=made.numbers["value"].where(made.numbers["metric"] != "nll", -made.numbers["value"]))
    turned = gains.answers(dataclasses.replace(made, numbers=pd.DataFrame(worse)))
    assert turned[1].split(" of ")[0] != sentences[1].split(" of ")[0]


def test_the_page_shows_it(study):
    page = (study[0] / "reports/index.html").read_text()
    assert "Methods and their cost" in page
    assert (study[0] / "reports/figures/methods.svg").exists()
