"""The first rows of A1, A2, A3 and A8: people's votes against majority votes over all pairs of the study at once."""

import numpy as np
import pandas as pd
import pytest

from softcifar.metrics.statistics import LEVEL
from softcifar.report.chapters.claims import soft_cifar
from softcifar.report.chapters.claims.table import claims_table
from softcifar.report.core.design import Design
from softcifar.report.core.pairs import TOGETHER, together
from softcifar.report.core.verdicts import Check, decide, judge
from tests.report.fixture import make_study, numbers, read, study_of
from tests.verdicts import rates

STUDENTS = {"human": (1.1, 0.5, 1), "hard": (2.2, 1.2, 1), "human_sampling": (1.1, 0.9, 4), "hard_sampling": (2.0, 1.1, 4)}
TWINS = [("human", "hard"), ("human_sampling", "hard_sampling")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("claims")
    params = make_study(root, students=STUDENTS, runs=4)
    params["distillation"]["students"] = []
    params["labels"]["hard"]["source"] = "majority"
    return read(root, params)


@pytest.fixture(scope="module")
def found(results):
    return judge(soft_cifar.checks(study_of(results)), Design())


def of(found, claim):
    return [each for each in found if each.claim == claim]


def values(results, metric):
    table = numbers(results)
    table = table[(table["kind"] == "run") & (table["metric"] == metric) & (table["set"] == "test")]
    return table.pivot(index="seed", columns="student", values="value")


@pytest.mark.parametrize(("claim", "metric", "scale"), [("A1", "accuracy", 100), ("A8", "ece", -1)])
def test_the_first_row_is_the_mean_over_all_pairs_run_by_run(results, found, claim, metric, scale):
    table = values(results, metric)
    gaps = scale * np.mean([table[soft] - table[hard] for soft, hard in TWINS], axis=0)
    row, *cells = of(found, claim)
    half = 3.182446 * gaps.std(ddof=1) / 2  # Student's t of four runs, not of eight differences
    assert (row.effect, row.low, row.high) == pytest.approx((gaps.mean(), gaps.mean() - half, gaps.mean() + half), rel=1e-5)
    assert (row.n, row.students) == (4, tuple(dict.fromkeys(name for cell in cells for name in cell.students)))
    assert row.effect == pytest.approx(np.mean([cell.effect for cell in cells]))


@pytest.mark.parametrize("claim", ["A1", "A2", "A3", "A8"])
def test_each_measure_has_one_row_of_all_pairs_before_the_single_pairs(found, claim):
    rows = of(found, claim)
    joint = [row for row in rows if row.compared.startswith("all 2 pairs together")]
    assert rows[: len(joint)] == joint
    assert [row.metric for row in joint] == list(dict.fromkeys(row.metric for row in rows))
    assert len(rows) == 3 * len(joint)


def test_the_row_says_whose_votes_it_compares_and_that_it_is_tested_apart(found):
    words = "all 2 pairs together ({}), tested apart from the single pairs"
    assert of(found, "A1")[0].compared == words.format("people's votes against majority votes")
    assert of(found, "A8")[0].compared == words.format("majority votes against people's votes")


def test_the_page_says_that_neither_is_corrected_for_the_other(results):
    note = claims_table(study_of(results), [soft_cifar.checks]).note
    assert "A row of all pairs together, or against all rivals at once, answers its claim as a whole" in note


def test_the_row_of_all_pairs_is_corrected_apart_from_the_single_pairs(found):
    row, *cells = of(found, "A1")
    assert "corrected" not in row.reason  # one measure, one test
    assert all("corrected for 2 rows" in cell.reason for cell in cells)
    near, far, *_ = of(found, "A2")
    assert all("corrected for 2 rows" in each.reason for each in (near, far))  # two measures of one claim


def test_an_effect_that_no_single_pair_can_show_is_decided_over_all_of_them():
    """Fifteen pairs of the same effect: none of them is decided after correction, all of them together are."""
    noise = np.random.default_rng(0).standard_normal((15, 5))
    pairs = [cell(0.7 + each) for each in noise]
    first, *others = decide([*together(pairs, ""), *pairs], Design().these)
    assert first.side == "supported"
    assert {other.side for other in others} == {None}


def cell(differences, **index):
    return Check("X1", "", "", "", True, {"b": pd.Series(differences, **index)}, students=("a", "b"))


def test_a_run_that_one_pair_lacks_is_in_no_mean():
    (row,) = together([cell([1.0, 2.0, 3.0], index=[0, 1, 2]), cell([3.0, 6.0, 5.0], index=[0, 2, 3])], "")
    assert row.against[TOGETHER].dropna().to_dict() == {0: 2.0, 2: 4.5}


def test_one_pair_has_no_row_of_all_pairs():
    assert together([cell([1.0, 2.0, 3.0])], "") == []


def test_over_splits_it_errs_no_more_often_than_its_level():
    """What the images of a split do to all pairs alike does not make pairs of them: simulated without any effect."""
    generator, design, draws = np.random.default_rng(1), Design(splits=5), 1500
    sides = []
    for _ in range(draws):
        differences = 2 * generator.standard_normal(5) + generator.standard_normal((8, 5))
        sides.append(decide(together([cell(each) for each in differences], ""), design.beyond)[0].side)
    allowed = LEVEL / 2 + 2.6 * np.sqrt(LEVEL / 2 / draws)
    assert max(sides.count("supported"), sides.count("contradicted")) / draws <= allowed


def test_over_runs_it_errs_no_more_often_than_its_level():
    draws = 1000
    allowed = LEVEL / 2 + 2.6 * np.sqrt(LEVEL / 2 / draws)
    assert max(rates.claim_rates("all pairs together", "normal", 5, 15, draws)) <= allowed
