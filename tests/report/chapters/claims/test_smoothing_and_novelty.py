"""H1 and H2: novelty detection after label smoothing, by neighbours and by the prediction; other soft labels apart."""

import pytest

from softcifar.report.chapters.claims import smoothing_and_novelty
from softcifar.report.core.design import Design
from softcifar.report.core.verdicts import judge
from tests.report.fixture import make_study, name_scores, placed

STUDENTS = {"hard": (2.2, 1.2, 1), "smooth": (0.9, 1.1, 1), "hard_sampling": (2.0, 1.1, 4), "smooth_sampling": (0.9, 1.0, 4),
            "human": (1.1, 0.5, 1)}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("smoothing")
    params = make_study(root, students=STUDENTS, runs=7, images=150)
    params["distillation"]["students"] = []
    named = ("hard", "smooth", "hard_sampling", "smooth_sampling")
    return placed(root, name_scores(root, params, dict.fromkeys(named, ("knn", "vim"))))


@pytest.fixture(scope="module")
def rows(study):
    return smoothing_and_novelty.checks(study)


def of(study, score, kind):
    table = study.numbers
    table = table[(table["kind"] == "run") & (table["metric"] == "auroc") & (table["set"] == kind) & (table["score"] == score)]
    return table.pivot(index="seed", columns="student", values="value")


def test_each_claim_has_all_pairs_together_and_then_each(rows):
    assert [row.claim for row in rows] == ["H1"] * 6 + ["H2"] * 6 + ["H2, other soft labels"] * 2
    for claim in ("H1", "H2"):
        families = [bool(row.family) for row in rows if row.claim == claim]
        assert families == [True, True, False, False, False, False]
    assert {row.metric for row in rows if row.claim == "H1"} == {"AUROC of KNN, near sets", "AUROC of KNN, far sets"}
    assert "label smoothing against hard labels" in rows[0].compared


def test_people_have_no_row_of_neighbours_where_the_study_names_none_for_them(rows):
    assert not any("human" in row.students for row in rows if row.claim.startswith("H1"))
    others = [row for row in rows if "human" in row.students]
    assert all("not claimed by the paper" in row.statement for row in others)


def test_the_claimed_side_is_the_papers(study, rows):
    """Smoothing helps neighbours, and harms the prediction."""
    single = {(row.claim, row.metric, row.students): row for row in rows if not row.family}
    row = single["H1", "AUROC of KNN, near sets", ("smooth", "hard")]
    table = of(study, "knn", "near")
    assert row.against["hard"].to_numpy() == pytest.approx((table["smooth"] - table["hard"]).to_numpy())
    row = single["H2", "AUROC of max probability, far sets", ("hard", "smooth")]
    table = of(study, "max_probability", "far")
    assert row.against["smooth"].to_numpy() == pytest.approx((table["hard"] - table["smooth"]).to_numpy())
    assert all(row.higher for row in rows)


def test_neighbours_that_gain_by_construction_are_found_to(rows):
    """The scores of the fabricated study find more of the near images where labels were smoothed."""
    found = {(each.claim, each.metric): each for each in judge(rows, Design()) if "all 2 pairs together" in each.compared}
    assert found["H1", "AUROC of KNN, near sets"].verdict.startswith("supported")
    assert found["H1", "AUROC of KNN, near sets"].effect > 0.1


def test_without_the_score_there_is_no_row_of_it(tmp_path):
    params = make_study(tmp_path, students={name: STUDENTS[name] for name in ("hard", "smooth")}, images=60)
    rows = smoothing_and_novelty.checks(placed(tmp_path, params))
    assert {row.claim for row in rows} == {"H2"}
