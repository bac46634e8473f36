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
    others = [f"{claim}, other soft labels" for claim in ("F1", "F2")]
    assert [row.claim for row in rows] == ["F1"] * 2 + [others[0]] * 2 + ["F2"] * 2 + [others[1]] * 2
    for row in rows:
        assert ("not claimed by the paper" in row.statement) == ("human" in row.students) == (row.claim in others)
    assert "label smoothing, by max probability, 2 pairs of students together" in rows[0].compared
    assert rows[2].compared == "hard (hard labels) against human (people's votes), by max probability"


def test_several_pairs_are_one_row_of_their_mean_by_run(results, rows):
    table = values(results, "aurc", "max_probability")
    gaps = [table["hard"] - table["smooth"], table["hard_sampling"] - table["smooth_sampling"]]
    (found,) = rows[0].against.values()
    assert found.to_numpy() == pytest.approx(np.mean(gaps, axis=0))
    assert rows[0].students == ("smooth", "hard", "smooth_sampling", "hard_sampling")


def test_repaired_is_what_is_better_than_before_and_within_a_tenth_of_hard_labels(results, rows):
    usual, normalised = (values(results, "aurc", score) for score in ("max_probability", "normalised_max_logit"))
    improves, repairs = rows[6], rows[7]
    better = (normalised["human"] - usual["human"]).to_numpy()
    assert improves.against["hard"].to_numpy() == pytest.approx(better)
    assert repairs.every
    before, near, harm = repairs.against.values()
    assert before.to_numpy() == pytest.approx(better)
    assert near.to_numpy() == pytest.approx((normalised["human"] - 1.1 * usual["hard"]).to_numpy())
    assert harm.to_numpy() == pytest.approx((usual["hard"] - usual["human"]).to_numpy())
    assert "by normalised logits against both the same by max probability and 1.1 times hard (hard lab" in repairs.compared
    assert "repairs" in repairs.statement
    assert "improves" in improves.statement
    assert "repairs" not in improves.statement


@pytest.mark.parametrize(("before", "verdict"), [(0.12, "supported"), (0.1, "undecided"), (0.08, "contradicted")])
def test_what_was_not_harmed_is_not_repaired(results, before, verdict):
    """Normalised, people's labels are better than before and than hard labels; were they worse than hard labels before?"""
    study = study_of(results)
    table = study.numbers
    generator = np.random.default_rng(0)
    for student, score, level in (("human", "max_probability", before), ("human", "normalised_max_logit", 0.05),
                                  ("hard", "max_probability", 0.1)):  # fmt: skip
        place = (table["student"] == student) & (table["score"] == score) & (table["metric"] == "aurc")
        table.loc[place, "value"] = level + 1e-4 * generator.standard_normal(place.sum())
    found = judge(refusing.checks(study), Design())
    assert found[6].verdict == "supported on these images"  # it improves
    assert found[7].verdict.startswith(verdict)
    assert "the harm" in found[7].compared


def test_where_nothing_was_harmed_and_normalising_makes_it_worse_nothing_is_repaired(results):
    """Soft labels far better than hard ones, of which normalising loses a little: still near to hard labels."""
    study = study_of(results)
    table = study.numbers
    generator = np.random.default_rng(0)
    for student, score, level in (("human", "max_probability", 0.01), ("human", "normalised_max_logit", 0.02),
                                  ("hard", "max_probability", 0.1)):  # fmt: skip
        place = (table["student"] == student) & (table["score"] == score) & (table["metric"] == "aurc")
        table.loc[place, "value"] = level + 1e-4 * generator.standard_normal(place.sum())
    found = judge(refusing.checks(study), Design())[7]
    assert found.compared.endswith("the harm, hard labels less soft ones by max probability")
    assert found.verdict == "contradicted on these images"


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
    assert all(
        row.claim.endswith(refusing.OTHERS) for row in refusing.checks(study_of(results))
    )  # people against their majority
