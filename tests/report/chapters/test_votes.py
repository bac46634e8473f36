"""What is one more annotation worth? The chapter's numbers are those of the runs, and its words follow from them by rule."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from softcifar.metrics import holm
from softcifar.report.chapters.votes import curves, families, parts, worth
from softcifar.report.chapters.votes.groups import groups
from softcifar.report.core import origins
from softcifar.report.core.columns import effect
from softcifar.report.core.design import Design
from softcifar.report.core.kinds import described
from softcifar.report.core.verdicts import Check, judge
from tests.report.fixture import make_study, placed, row, write

LABELS = {  # student: (source, options)
    "human_1": ("human_sampled", {"votes_per_image": 1, "seed": 0}),
    "human_10": ("human_sampled", {"votes_per_image": 10, "seed": 0}),
    "human_again": ("human_sampled", {"votes_per_image": 10, "seed": 1}),
    "human_kept": ("human_kept", {}),
    "human_majority": ("majority", {}),
    "human_majority_3": ("majority_sampled", {"votes_per_image": 3, "seed": 0}),
}
STUDENTS = {"hard": (2.2, 1.15, 1), "human": (1.1, 0.5, 1)} | {
    name: (1.1, 0.5 + 0.1 * number, 1) for number, name in enumerate(LABELS)
}
RUNS = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder, params) of a study with a part of the votes."""
    root = tmp_path_factory.mktemp("votes")
    params = make_study(root, students=STUDENTS, runs=RUNS, images=60)
    for name, (source, options) in LABELS.items():
        params["labels"][name] = params["labels"]["human"] | {"source": source, "options": options}
        params["students"][name]["labels"] = name
        shutil.copyfile(root / "data/labels/human.npz", root / f"data/labels/{name}.npz")
    return root, params


@pytest.fixture(scope="module")
def votes(made):
    return placed(*made)


def of_runs(study, metric):
    """The test images' values of the single networks."""
    numbers = study.numbers[(study.numbers["metric"] == metric) & (study.numbers["set"] == "test")]
    return numbers[(numbers["kind"] == "run") & (numbers["score"] == "")]


def with_values(study, metric, values, set="test"):
    """The study with other numbers of one metric: {student: by run}."""
    numbers = study.numbers.copy()
    for name, given in values.items():
        for seed, value in enumerate(given):
            chosen = (numbers["student"] == name) & (numbers["kind"] == "run") & (numbers["seed"] == seed)
            chosen &= (numbers["metric"] == metric) & (numbers["set"] == set) & (numbers["score"] == "")
            assert chosen.sum() == 1
            numbers.loc[chosen, "value"] = value
    return dataclasses.replace(study, numbers=numbers)


def around(mean: float, spread: float, seed: int) -> np.ndarray:
    """Five values of exactly this mean."""
    drawn = np.random.default_rng(seed).standard_normal(RUNS)
    return mean + spread * (drawn - drawn.mean())


def test_students_of_one_recipe_make_the_curves(votes):
    (group,) = groups(votes.results)
    points = {curve.source: curve.points for curve in group.curves}
    assert points == {
        "human": [(1, ["human_1"]), (10, ["human_10", "human_again"]), (51, ["human"])],
        "majority": [(1, ["human_1"]), (3, ["human_majority_3"]), (51, ["human_majority"])],
    }
    assert group.plain == {"hard": "hard", "human": "human", "majority": "human_majority", "human_kept": "human_kept"}


def test_other_options_make_another_group_and_a_tuned_number_none(made):
    root, params = made
    params = params | {"students": {name: dict(each) for name, each in params["students"].items()}}
    params["students"]["human_1"]["lr"] = 0.2
    params["labels"] = params["labels"] | {"human_10": params["labels"]["human_10"] | {"options": {"votes_per_image": [3, 10]}}}
    study = placed(root, params)
    (group,) = groups(study.results)
    assert group.curves[0].points == [(10, ["human_again"]), (51, ["human"])]


def test_the_table_has_the_differences_of_the_runs(votes):
    table = worth.table(votes).frame
    accuracy = of_runs(votes, "accuracy")
    by_run = 100 * accuracy.pivot(index="seed", columns="student", values="value")
    ten = by_run[["human_10", "human_again"]].mean(axis=1)
    expected = {1: by_run["human_1"] - by_run["human"], 10: ten - by_run["human"]}
    for count, less in expected.items():
        found = row(table, labels="people's votes", votes=count, metric="accuracy, points")
        half = student_t.ppf(0.975, RUNS - 1) * less.std(ddof=1) / np.sqrt(RUNS)
        assert found["effect"] == pytest.approx(less.mean())
        assert (found["low"], found["high"]) == pytest.approx((less.mean() - half, less.mean() + half))
    first = row(table, labels="people's votes", votes=1, metric="accuracy, points")
    assert first["step"] == pytest.approx((ten.mean() - by_run["human_1"].mean()) / 9)
    assert first["mean"] == pytest.approx(by_run["human_1"].mean())


def test_a_verdict_is_a_test_against_the_margin_corrected_over_the_numbers_of_votes(votes):
    most = around(0.9, 0.002, 0)
    values = {"human": most, "human_1": most - around(0.012, 0.002, 1)}
    values |= {name: most - around(0.002, 0.002, 2) for name in ("human_10", "human_again")}
    study = with_values(votes, "accuracy", values)
    table = worth.table(study).frame
    for side, wanted in ((1, "no more than the margin"), (-1, "more than the margin")):
        gains = [100 * side * (values[name] - most + 0.01) for name in ("human_1", "human_10")]
        p = holm([student_t.sf(each.mean() / each.std(ddof=1) * np.sqrt(RUNS), RUNS - 1) for each in gains])
        for count, corrected in zip((1, 10), p, strict=True):
            found = row(table, labels="people's votes", votes=count, metric="accuracy, points")["verdict"]
            assert found.startswith(wanted) == (corrected < 0.0075)
    flat = next(each for each in worth.judged_curves(study) if each.curve.source == "human")
    assert flat.flat == 10


@pytest.mark.parametrize(
    ("losses", "flat", "words"),
    [
        ((0.05, 0.001), 10, "10 votes per image are at most 1 point worse than 51; with 1 the rest of the votes is worth more"),
        (
            (0.001, 0.001),
            1,
            "1 vote per image is at most 1 point worse than 51, as is every larger number that was tried (on these",
        ),
        ((0.001, 0.05), None, "10 votes per image are not enough; with 10 the rest of the votes is worth more than 1 point"),
        (
            (0.001, 0.0101),
            None,
            "from how many votes on further ones are worth less than 1 point. Means",
        ),
        ((0.0101, 0.001), 10, "10 votes per image are at most 1 point worse than 51; with 1 it is not decided"),
    ],
)
def test_where_the_curve_flattens_is_said(votes, losses, flat, words):
    most = around(0.9, 0.002, 0)
    values = {"human": most, "human_1": most - around(losses[0], 0.001, 1)}
    values |= {name: most - around(losses[1], 0.001, 2) for name in ("human_10", "human_again")}
    study = with_values(votes, "accuracy", values)
    found = worth.judged_curves(study)[0]
    assert (found.curve.source, found.measure.metric, found.flat) == ("human", "accuracy", flat)
    said = worth.in_words(study)["people's votes"][0]
    assert words in said
    assert f"Means change by {effect(100 * (losses[0] - losses[1]) / 9)} points per vote from 1 to 10" in said


def against_most(less: float, spread: float, seed: int) -> Check:
    """So many points less than the most votes, in five runs."""
    return Check("", "", "", "accuracy, points", True, {"51": pd.Series(around(-less, spread, seed))}, worth.POINTS)


def test_from_so_many_on_is_tested_from_the_largest_number_down_without_a_correction():
    """One test after the other, as long as they decide: a p of .006 is enough for each of five, which Holm would not let be."""
    (alone,) = judge([against_most(0.0, 0.4, 4)], Design())
    assert alone.verdict == "supported on these images"
    rows = [against_most(0.0, 0.4, 4) for _ in range(5)]
    assert {each.verdict for each in judge(rows, Design())} == {"undecided"}
    assert [each.verdict for each in worth.in_sequence(rows, Design())] == ["supported on these images"] * 5


def test_after_the_first_that_fails_no_smaller_number_is_supported():
    rows = [against_most(0.1, 0.01, 1), against_most(1.0, 0.5, 2), against_most(0.1, 0.01, 3)]
    first, second, third = worth.in_sequence(rows, Design())
    assert [each.verdict for each in (first, second, third)] == ["undecided", "undecided", "supported on these images"]
    assert first.reason == "not tested, since a larger number is not decided"
    (lost, _) = worth.in_sequence([against_most(3.0, 0.1, 1), rows[1]], Design())
    assert lost.verdict == "contradicted on these images"


@pytest.mark.parametrize(("spread", "expected"), [(0.002, False), (0.02, True)])
def test_where_runs_spread_so_far_that_nothing_can_be_decided_the_page_says_so(votes, spread, expected):
    most = around(0.9, 0.002, 0)
    values = {name: most - around(0.0101, spread, number) for number, name in enumerate(("human_1", "human_10", "human_again"))}
    said = worth.in_words(with_values(votes, "accuracy", values | {"human": most}))["people's votes"][0]
    assert "it is not decided from how many votes on" in said
    assert (
        "for which 5 runs of such a spread are too few: labels that are exactly as good would be found to be" in said
    ) == expected


def test_losses_are_less_where_they_are_better(votes):
    accuracy, nll, _ = worth.in_words(votes)["people's votes"]
    assert nll.endswith("(less is better).")
    assert "less is better" not in accuracy


def test_a_number_that_takes_all_votes_is_no_point_of_its_own(made):
    """Images have 51 votes in the mean, so students of 51 and 60 learned from what the student of all votes did."""
    root, params = made
    labels = {name: dict(each) for name, each in params["labels"].items()}
    labels["human_10"]["options"] = {"votes_per_image": 60, "seed": 0}
    labels["human_again"]["options"] = {"votes_per_image": 51, "seed": 1}
    (group,) = groups(placed(root, params | {"labels": labels}).results)
    assert group.curves[0].points == [(1, ["human_1"]), (51, ["human"])]


def test_what_people_s_advantage_comes_from_is_said(votes):
    hard = around(0.5, 0.01, 0)
    better = {"hard": hard, "human": hard - around(0.1, 0.004, 1), "human_kept": hard - around(0.09, 0.004, 2)}
    study = with_values(votes, "nll", better | {"human_majority": hard - around(0.01, 0.001, 3)})
    sentence = parts.in_words(study)[1]
    assert (
        "By NLL, simulated annotators' labels are better on these images than the data set's (−.100 nats, 95 % interval −.1"
        in sentence
    )
    assert "softness alone is better on these images (−.090 nats, 95 % interval −.09" in sentence
    assert (
        "the advantage comes from softness rather than from correction, which brings less than 0.02 nats, alone and on top of "
        "softness (softness less correction −.080 nats, 95 % interval −.08" in sentence
    )
    assert sentence.endswith(", 5 runs, on these images).")
    alike = {"hard": hard, "human": hard + around(0, 0.01, 4), "human_kept": hard + around(0, 0.01, 5)}
    study = with_values(votes, "nll", alike | {"human_majority": hard + around(0, 0.01, 6)})
    sentence = parts.in_words(study)[1]
    assert "it is undecided whether simulated annotators' labels are better" in sentence
    assert "which of the two does more is undecided" in sentence


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        # of votes, of softness alone, of correction alone
        ((0.1, 0.09, 0.01), "the advantage comes from softness rather than from correction, which brings less than 0.02 nats"),
        ((0.1, 0.06, 0.04), "softness alone does more than correction alone"),  # correction brings more than the margin
        ((0.1, 0.06, 0.005), "softness alone does more than correction alone"),  # on top of softness, too
        ((0.1, 0.01, 0.09), "the advantage comes from correction rather than from softness, which brings less than 0.02 nats"),
        ((0.1, 0.04, 0.06), "correction alone does more than softness alone"),
        ((0.1, -0.03, -0.06), "labels with softness alone are better than those with correction alone"),
        ((-0.1, 0.06, 0.005), "softness alone does more than correction alone"),
    ],
)
def test_rather_than_takes_a_test_that_the_other_brings_nothing_much(votes, gains, words):
    hard = around(0.5, 0.01, 0)
    students = zip(("human", "human_kept", "human_majority"), gains, strict=True)
    values = {name: hard - around(gain, 0.001, 1 + number) for number, (name, gain) in enumerate(students)}
    closing = parts.in_words(with_values(votes, "nll", values | {"hard": hard}))[1].rpartition("; ")[2]
    assert closing.startswith(words)
    assert closing.endswith(", 5 runs, on these images).")


def test_what_the_page_opens_with_counts_once_per_family(votes):
    of_pairs, of_parts = families(votes)
    assert of_pairs == []  # no student has labels of a share of the images
    assert [row.compared for row in of_parts] == list(parts.COMPARED)


def test_the_parts_are_differences_of_the_runs(votes):
    table = parts.table(votes).frame
    numbers = of_runs(votes, "nll")
    nll = numbers.groupby("student")["value"].mean()
    wanted = {
        "both": nll["human"] - nll["hard"],
        "softness alone": nll["human_kept"] - nll["hard"],
        "correction alone": nll["human_majority"] - nll["hard"],
        "softness alone less correction alone": nll["human_kept"] - nll["human_majority"],
        "softness, labels corrected before": nll["human"] - nll["human_majority"],
        "correction, labels soft before": nll["human"] - nll["human_kept"],
    }
    found = table[table["metric"] == "NLL, nats"].set_index("what")["effect"]
    assert found.to_dict() == pytest.approx(wanted)


def test_the_note_says_how_many_labels_votes_correct(made, votes):
    train = np.load(made[0] / "data/study/train.npz")
    own = train["votes"][np.arange(60), train["labels"]]
    share = 100 * (own < train["votes"].max(axis=1)).mean()
    assert f"Of the training images {share:.1f} % have a class with more votes" in parts.table(votes).note


def test_the_page_has_the_chapter_and_its_figure(made):
    reports = write(*made, only=("votes",))
    page = (reports / "index.html").read_text()
    assert "What is one more annotation worth?" in page
    assert "All runs share one draw" in page
    assert (reports / "figures/votes.svg").stat().st_size > 5000
    assert set(pd.read_csv(reports / "tables/votes_worth.csv")["votes"]) == {1, 3, 10}
    assert len(pd.read_csv(reports / "tables/softness_or_correction.csv")) == 18


def test_a_study_without_such_students_has_no_chapter(study):
    study = placed(*study)
    assert groups(study.results) == []
    assert curves.draw(study) is None
    assert not worth.table(study).rows
    assert not parts.table(study).rows


def test_students_say_how_many_votes_they_learned_from(votes):
    assert described(votes.results, "human_10") == "human_10 (people's votes, 10 per image)"
    assert origins.votes(votes.results, "human_10") == 10
    assert origins.votes(votes.results, "human") == 51
    assert origins.origin(votes.results, "human_majority_3") == origins.origin(votes.results, "human_kept") == "People"
