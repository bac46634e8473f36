"""G1 and G2: what calibrating to votes brings, and whether one vote per image is enough."""

import copy

import numpy as np
import pytest

from softcifar.report.chapters.claims import calibrating_to_people
from tests.report.fixture import read, study_of


@pytest.fixture(scope="module")
def made(study):
    return study_of(read(*study), calibrated=True)


def of_runs(made, what, name):
    table = made.numbers
    table = table[(table["metric"] == "calibrated_kl_divergence") & (table["set"] == what) & (table["score"] == name)]
    return table.pivot(index="seed", columns="student", values="value").mean(axis=1).to_numpy()


def test_each_row_is_the_mean_over_students_by_run(made):
    rows = calibrating_to_people.checks(made)
    assert [row.claim for row in rows] == ["G1", "G1", "G2", "G2"]
    for row, name in zip(rows, ["temperature", "dirichlet"] * 2, strict=True):
        votes = of_runs(made, "votes", name)
        (found,) = row.against.values()
        other = of_runs(made, "labels" if row.claim == "G1" else "one vote", name)
        assert found.to_numpy() == pytest.approx(votes - other if row.claim == "G1" else other - votes)
        if row.claim == "G2":
            assert np.asarray(row.margin) == pytest.approx(0.05 * votes)
        assert "7 students together" in row.compared


def test_without_votes_there_is_no_row(study):
    results = read(*study)
    for part in results.splits[0].values():
        part.pop("votes", None)
    assert calibrating_to_people.checks(study_of(results, calibrated=True)) == []


def test_rows_say_whose_votes_they_are_and_what_labels_are(study):
    results = copy.deepcopy(read(*study))  # of drawn shapes, whose annotators are simulated
    first, *_, last = calibrating_to_people.checks(study_of(results, calibrated=True))
    assert "simulated annotators' votes against labels, which are one vote each here" in first.compared
    assert "simulated annotators'" in last.compared
    assert "simulated annotators'" in first.metric
    results.params["data"]["votes"] = {"test": "people"}
    first, *_ = calibrating_to_people.checks(study_of(results, calibrated=True))
    assert first.compared.endswith("people's votes against labels")
