"""F1 and F2: label smoothing against hard labels where images are refused, and every other source of soft labels apart."""

import numpy as np
import pytest

from softcifar.report.chapters.claims import refusing
from softcifar.report.core.design import Design
from softcifar.report.core.verdicts import judge
from tests.report.fixture import make_study, numbers, read, study_of

STUDENTS = {"hard": (2.2, 1.2, 1), "smooth": (0.9, 1.1, 1), "hard_sampling": (2.0, 1.1, 4), "smooth_sampling": (0.9, 1.0, 4),
            "human": (1.1, 0.5, 1)}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("refusing")
    params = make_study(root, students=STUDENTS, runs=7, images=150)
    params["distillation"]["students"] = []
    return read(root, params)


@pytest.fixture(scope="module")
def rows(results):
    return refusing.checks(study_of(results))


def values(results, metric, score):
    table = numbers(results)
    table = table[(table["kind"] == "run") & (table["metric"] == metric) & (table["score"] == score)]
    return table.pivot(index="seed", columns="student", values="value")


def test_each_source_has_a_row_per_measure_label_smoothing_first(rows):
    assert [row.claim for row in rows] == ["F1"] * 4 + ["F2"] * 4
    assert [row.family for row in rows] == ["", refusing.OTHERS] * 4
    assert "label smoothing, by max probability, 2 pairs of students together" in rows[0].compared
    assert rows[1].compared == "hard (hard labels) against human (people's votes), by max probability"


def test_several_pairs_are_one_row_of_their_mean_by_run(results, rows):
    table = values(results, "aurc", "max_probability")
    gaps = [table["hard"] - table["smooth"], table["hard_sampling"] - table["smooth_sampling"]]
    (found,) = rows[0].against.values()
    assert found.to_numpy() == pytest.approx(np.mean(gaps, axis=0))
    assert rows[0].students == ("smooth", "hard", "smooth_sampling", "hard_sampling")


def test_repairing_allows_a_tenth_of_the_rivals_area(results, rows):
    usual, normalised = (values(results, "aurc", score) for score in ("max_probability", "normalised_max_logit"))
    improves, repairs = rows[5], rows[7]
    assert improves.against["hard"].to_numpy() == pytest.approx((normalised["human"] - usual["human"]).to_numpy())
    assert repairs.against["hard"].to_numpy() == pytest.approx((normalised["human"] - usual["hard"]).to_numpy())
    assert repairs.margin.to_numpy() == pytest.approx(0.1 * usual["hard"].to_numpy())
    assert "margin 10 % of the rival's" in repairs.metric


def test_the_claim_is_supported_where_hard_labels_order_better(results):
    """Smoothed logits are the hard students', each image's times a length of its own."""
    for name in ("smooth", "smooth_sampling"):
        results.students[name].logits["test"] = results.students[name.replace("smooth", "hard")].logits["test"].copy()
    generator = np.random.default_rng(0)
    for name in ("smooth", "smooth_sampling"):
        logits = results.students[name].logits["test"]
        logits *= np.exp(-4 * generator.random((len(logits), 1, logits.shape[2], 1)))  # lengths that know nothing
    found = judge(refusing.checks(study_of(results)), Design())
    assert found[0].verdict == "supported on these images"
    assert found[4].verdict == "supported on these images"  # normalising takes the lengths out again


def test_without_hard_labels_there_is_no_row(results):
    results.params["labels"]["hard"]["source"] = "majority"
    assert {row.family for row in refusing.checks(study_of(results))} == {refusing.OTHERS}  # people against their majority
