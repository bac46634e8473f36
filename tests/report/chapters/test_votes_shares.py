"""More images, or more votes on each? Students of equally many votes are found by their options and judged by their runs."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.stats import t as student_t

from softcifar.labels.sampled import labelled
from softcifar.report.chapters.advice import sources
from softcifar.report.chapters.findings.sentences import answers
from softcifar.report.chapters.labels import gallery
from softcifar.report.chapters.run.facts import label_sources
from softcifar.report.chapters.votes import families, shares
from softcifar.report.chapters.votes.groups import groups
from softcifar.report.core import origins
from softcifar.report.core.kinds import described
from softcifar.report.core.pairs import ACCURACY
from softcifar.report.core.results import load
from tests.report.fixture import make_study, placed, row, write

STEP = {"name": "labelled_only", "options": {}}
LABELS = {  # student: (source, votes per image, share of images)
    "human_1": ("human_sampled", 1, 1.0),
    "human_3_third": ("human_sampled", 3, 1 / 3),
    "human_10_tenth": ("human_sampled", 10, 0.1),
    "human_10": ("human_sampled", 10, 1.0),
    "majority_10_tenth": ("majority_sampled", 10, 0.1),
    "human_2_tenth": ("human_sampled", 2, 0.1),
}
STUDENTS = {"hard": (2.2, 1.15, 1)} | {name: (1.1, 0.5 + 0.1 * number, 1) for number, name in enumerate(LABELS)}
RUNS, IMAGES = 5, 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder, params) of a study of which some students have labels of a share of the 60 images."""
    root = tmp_path_factory.mktemp("shares")
    params = make_study(root, students=STUDENTS | {"human": (1.1, 0.4, 1)}, runs=RUNS, images=IMAGES)
    for name, (source, count, share) in LABELS.items():
        options = {"votes_per_image": count, "share_of_images": share, "seed": 0}
        params["labels"][name] = params["labels"]["human"] | {"source": source, "options": options}
        params["students"][name] = params["students"][name] | {"labels": name}
        if share < 1:
            params["students"][name]["augment"] = [STEP, *params["students"][name]["augment"]]
        arrays = dict(np.load(root / "data/labels/human.npz"))
        arrays["probs"] = np.where(labelled(IMAGES, share, 0)[:, None], arrays["probs"], 0)
        np.savez(root / f"data/labels/{name}.npz", **arrays)
    return root, params


@pytest.fixture(scope="module")
def votes(made):
    return placed(*made)


def test_pairs_have_equally_many_votes_and_agree_in_all_else(votes):
    found = {(pair.wide, pair.deep): pair.votes for pair in shares.pairs(votes.results)}
    assert found == {
        ("human_1", "human_3_third"): (60, 60),
        ("human_1", "human_10_tenth"): (60, 60),
        ("human_1", "majority_10_tenth"): (60, 60),  # one vote is its own majority
        ("human_3_third", "human_10_tenth"): (60, 60),
    }


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("students", {"lr": 0.2}),
        ("students", {"augment": [STEP]}),
        ("labels", {"options": {"votes_per_image": 10, "share_of_images": 0.1, "seed": 1}}),
        ("labels", {"options": {"votes_per_image": 9, "share_of_images": 0.1, "seed": 0}}),
        ("labels", {"options": {"votes_per_image": [9, 10], "share_of_images": 0.1, "seed": 0}}),
    ],
)
def test_students_that_differ_in_more_are_no_pair(made, section, change):
    root, params = made
    changed = params | {section: params[section] | {"human_10_tenth": params[section]["human_10_tenth"] | change}}
    found = shares.pairs(load(changed, data=root / "data", scores=root / "scores", models=root / "models"))
    assert found
    assert "human_10_tenth" not in {name for pair in found for name in (pair.wide, pair.deep)}


def test_the_table_has_the_differences_of_the_runs(votes):
    table = shares.table(votes).frame
    numbers = votes.numbers[(votes.numbers["set"] == "test") & (votes.numbers["kind"] == "run")]
    nll = numbers[(numbers["metric"] == "nll") & (numbers["score"] == "")].pivot(
        index="seed", columns="student", values="value"
    )
    less = nll["human_1"] - nll["human_10_tenth"]
    found = row(table, students="human_1 less human_10_tenth", metric="NLL, nats")
    half = student_t.ppf(0.975, RUNS - 1) * less.std(ddof=1) / np.sqrt(RUNS)
    assert found["effect"] == pytest.approx(less.mean())
    assert (found["low"], found["high"]) == pytest.approx((less.mean() - half, less.mean() + half))
    assert found["what"] == "1 vote on every image less 10 votes on 10 % of the images"
    assert (found["votes"], found["n"]) == (60, RUNS)
    assert found["first"] == pytest.approx(nll["human_1"].mean())
    assert len(table) == 4 * 3


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (0.05, "by accuracy, more images are better on these images (+5.00 points, 95 % interval +{:.2f} to +{:.2f}, 5 runs)"),
        (
            -0.05,
            "by accuracy, more votes per image are better on these images "
            "(−5.00 points, 95 % interval −{:.2f} to −{:.2f}, 5 runs)",
        ),
        (0.0, "by accuracy, the two are equivalent on these images"),
    ],
)
def test_the_sentence_follows_the_verdict(votes, gain, words):
    drawn = 0.0005 * np.random.default_rng(0).standard_normal((2, RUNS))
    drawn -= drawn.mean(axis=1, keepdims=True)
    numbers = votes.numbers.copy()
    for name, values in (("human_1", 0.7 + gain + drawn[0]), ("human_10_tenth", 0.7 + drawn[1])):
        for seed, value in enumerate(values):
            chosen = (numbers["student"] == name) & (numbers["kind"] == "run") & (numbers["seed"] == seed)
            chosen &= (numbers["metric"] == "accuracy") & (numbers["set"] == "test") & (numbers["score"] == "")
            assert chosen.sum() == 1
            numbers.loc[chosen, "value"] = value
    study = dataclasses.replace(votes, numbers=numbers)
    place = [pair.deep for pair in shares.pairs(votes.results)].index("human_10_tenth")
    said = shares.in_words(study)[place]
    assert said.startswith("1 vote on every image or 10 votes on 10 % of the images, 60 votes either way: ")
    low, high = stats.ttest_1samp(100 * (gain + drawn[0] - drawn[1]), 0).confidence_interval(0.95)
    assert words.format(abs(low), abs(high)) in said


def test_the_page_opens_with_what_votes_bring_by_accuracy(votes):
    (question, evidence, found), others = answers(votes)[-1], answers(votes)[:-1]
    assert (question, evidence) == ("What is one more annotation worth?", "votes")
    said = [each.text for each in found]
    assert [text for text in said if "votes either way" in text] == shares.in_words(votes, [ACCURACY])
    assert all("by accuracy, " in text or text.startswith("By accuracy, ") for text in said)
    assert not any("NLL" in text for text in said)
    assert any(text.startswith("People's votes: by accuracy, ") for text in said)
    assert "votes" not in {evidence for _, evidence, _ in others}
    (of_pairs,) = families(votes)  # no student has kept labels
    assert [row.students for row in of_pairs] == [(pair.wide, pair.deep) for pair in shares.pairs(votes.results)]


def test_a_share_is_no_point_of_the_curves(votes):
    (group,) = groups(votes.results)
    assert {name for curve in group.curves for _, names in curve.points for name in names} == {"human_1", "human_10", "human"}


def test_costs_count_the_images_without_a_label(votes):
    found = {name: origins.votes(votes.results, name) for name in LABELS}
    assert found == {
        "human_1": 1, "human_3_third": 1, "human_10_tenth": 1, "human_10": 10, "majority_10_tenth": 1, "human_2_tenth": 0.2,
    }  # fmt: skip
    costs = {each.student: each.votes for each in sources.sources(votes.results)}
    assert {name: costs[name] for name in LABELS} == found  # the step that leaves images out is no other augmentation
    named = {each.student: each.named for each in sources.sources(votes.results)}
    assert named["human_2_tenth"] == "human_2_tenth (0.2 votes per image)"
    assert named["human_1"] == "human_1 (1 vote per image)"
    shown = {row[0].text: row[2].text for row in sources.table(votes).rows}
    assert (shown["human_2_tenth"], shown["human_10"], shown["hard"]) == ("0.2", "10", "0")


def test_a_student_of_a_share_is_called_so(votes):
    said = "human_10_tenth (people's votes, 10 per image on 10 % of the images)"
    assert described(votes.results, "human_10_tenth") == said
    assert origins.title(votes.results, "human_3_third") == "people's votes, 3 per image on 33.3 % of the images"
    assert origins.origin(votes.results, "human_10_tenth") == origins.origin(votes.results, "majority_10_tenth") == "People"


def test_means_over_labels_leave_out_images_without_one(made, votes):
    header, rows = label_sources(votes.results)
    of = {name: dict(zip(header, cells, strict=True)) for name, *_ in rows for cells in rows if cells[0] == name}
    probs = np.load(made[0] / "data/labels/human.npz")["probs"][0][labelled(IMAGES, 0.1, 0)].astype(np.float64)
    entropy = -(probs * np.log(np.where(probs > 0, probs, 1))).sum(axis=1).mean()
    assert of["human_10_tenth"]["entropy, nats"] == f"{entropy:.3f}"
    assert of["human_10_tenth"]["distance to simulated annotators' votes"] == "0.000"


def test_the_gallery_shows_no_label_as_such(votes):
    drawing = gallery.draw(votes)
    texts = [text.get_text() for ax in drawing.figure.axes for text in ax.texts]
    assert "no label" in texts
    assert '"No label": a source of labels for some of the images' in drawing.reading
    assert "nan" not in " ".join(texts)


def test_densities_of_a_student_of_a_share_are_left_out(votes):
    """They were fitted with the data set's labels of all training images."""
    assert {"ddu", "mahalanobis"} <= votes.results.students["human_1"].novelty.keys()
    assert not {"ddu", "mahalanobis"} & votes.results.students["human_10_tenth"].novelty.keys()


def test_the_page_has_the_part(made):
    reports = write(*made, only=("votes",))
    page = (reports / "index.html").read_text()
    assert "More images, or more votes on each?" in page
    assert "1 vote on every image or 3 votes on 33.3 % of the images, 60 votes either way" in page
    assert len(pd.read_csv(reports / "tables/votes_or_images.csv")) == 12


def test_a_study_without_such_pairs_has_no_such_part(study):
    study = placed(*study)
    assert shares.pairs(study.results) == []
    assert not shares.table(study).rows
    assert shares.in_words(study) == []
    assert shares.about(study) == ""
