"""The scores that a study names on the page: OpenOOD's layout, two kinds of uncertainty, and who does without which score."""

import copy
import dataclasses

import numpy as np
import pytest

from softcifar import metrics
from softcifar.errors import UserError
from softcifar.report.chapters.novelty import left_out, openood, two_kinds
from softcifar.report.chapters.novelty.ambiguity import ambiguous
from softcifar.report.chapters.published.literature import OPENOOD
from softcifar.report.core.kinds import own_score, score_titles
from softcifar.scores import LOGIT_SCORES, NAMED_SCORES
from tests.report.fixture import make_study, name_scores, numbers, placed, read, study_of

STUDENTS = {"hard": (2.2, 1.15, 1), "smooth": (0.9, 1.1, 1), "sampling": (1.5, 1.0, 4)}
NAMED = {"hard": ("knn", "vim"), "smooth": ("knn",)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("named")
    params = make_study(root, students=STUDENTS, images=120)
    params["distillation"]["students"] = [name for name in params["distillation"]["students"] if name in STUDENTS]
    return root, name_scores(root, params, NAMED)


@pytest.fixture(scope="module")
def study(folder):
    return placed(*folder)


@pytest.fixture(scope="module")
def of_cifar10(study):
    results = copy.deepcopy(study.results)
    results.params["datasets"]["drawn"]["source"] = "cifar10"
    return study_of(results)


def test_they_stand_beside_the_scores_that_every_student_has(folder, study):
    assert set(study.results.students["hard"].novelty) == {"ddu", "mahalanobis", "knn", "vim"}
    assert set(study.results.students["sampling"].novelty) == {"ddu", "mahalanobis"}
    stored = np.load(folder[0] / "scores/novelty/hard/novelty.npz")
    table = numbers(study.results)
    chosen = table[(table["student"] == "hard") & (table["score"] == "vim") & (table["set"] == "noise")]
    expected = [metrics.auroc(a[1], b[1]) for a, b in zip(stored["test"], stored["ood_noise"], strict=True)]
    assert chosen[chosen["metric"] == "auroc"]["value"].tolist() == pytest.approx(expected)
    assert set(table[table["score"] == "knn"]["kind"]) == {"run"}  # distances of several networks have no mean


def test_no_method_offers_them_as_its_own(study):
    assert own_score(study.results, "hard") == "predictive_entropy"
    assert {score: score_titles(study.results)[score] for score in NAMED_SCORES} == {
        "knn": "KNN", "vim": "ViM", "rmds": "RMDS", "fdbd": "fDBD", "mahalanobis_perturbed": "Mahalanobis, perturbed"
    }  # fmt: skip


def test_what_a_file_lacks_is_named(folder, tmp_path):
    root, params = folder
    more = copy.deepcopy(params)
    more["novelty"]["students"] = ["sampling"]
    with pytest.raises(UserError, match=r"novelty/sampling/novelty\.npz: not found; "):
        read(root, more)


def test_fpr95_with_the_test_images_positive_is_the_share_of_novel_images_let_through(study):
    score = study.results.students["hard"].novelty["vim"]
    table = numbers(study.results)
    chosen = table[(table["student"] == "hard") & (table["score"] == "vim") & (table["metric"] == "fpr95_in")]
    for run, value in enumerate(chosen[chosen["set"] == "noise"]["value"]):
        test, novel = np.sort(score["test"][run]), score["ood_noise"][run]
        threshold = test[int(np.ceil(0.95 * len(test))) - 1]  # lets 95 % of the test images through
        assert value == pytest.approx((novel <= threshold).mean())


def test_openoods_layout_has_a_row_per_score_by_falling_auroc(study):
    table = openood.table(study)
    assert set(table.frame["student"]) == {"hard"}
    assert set(table.frame["score"]) == {*LOGIT_SCORES, "ddu", "mahalanobis", "knn", "vim"} - {"mutual_information"}
    assert table.frame["auroc_near"].is_monotonic_decreasing
    assert "by falling near AUROC" in table.note
    assert not any("OpenOOD" in title for title, _ in table.header)
    table_of = numbers(study.results)
    chosen = table_of[(table_of["student"] == "hard") & (table_of["score"] == "knn") & (table_of["set"] == "near")]
    row = table.frame.set_index("score").loc["knn"]
    for metric in ("auroc", "fpr95", "fpr95_in"):
        assert row[f"{metric}_near"] == pytest.approx(chosen[chosen["metric"] == metric]["value"].mean())


def test_its_published_numbers_stand_beside_ours_where_the_images_are_the_same(of_cifar10):
    table = openood.table(of_cifar10)
    rows = table.frame.set_index("score")
    for score, (near, far) in OPENOOD["auroc"].items():
        assert (rows.loc[score]["openood_near"], rows.loc[score]["openood_far"]) == (near, far)
    assert {"knn", "vim"} <= set(rows[rows["student"] == "hard"].index)
    others = rows[rows["student"] == ""]
    assert set(others.index) == {"rmds", "fdbd", *OPENOOD["others"]}
    assert others["auroc_near"].isna().all()
    assert rows.loc["ASH"]["openood_near"] == 0.7527
    assert np.isnan(rows.loc["ddu"]["openood_near"])
    shown = {row[0].text: [cell.text for cell in row] for row in table.rows}
    assert shown["KNN"][-2:] == ["90.64", "92.96"]
    assert shown["ASH"][-2:] == ["75.27", "–"]
    assert "ResNet-18" in table.note


def test_the_published_numbers_are_the_leaderboards():
    assert OPENOOD["auroc"] == {
        "knn": [0.9064, 0.9296], "fdbd": [0.9042, 0.9316], "rmds": [0.8980, 0.9220], "vim": [0.8868, 0.9348],
        "gen": [0.8820, 0.9135], "max_probability": [0.8803, 0.9073],
    }  # fmt: skip


def test_the_network_shown_is_a_plain_one_of_hard_labels(study):
    assert openood.shown_student(study.results) == "hard"
    other = copy.deepcopy(study.results)
    other.params["report"]["reference"] = "smooth"
    assert openood.shown_student(other) == "hard"
    del other.params["students"]["hard"], other.students["hard"]
    assert openood.shown_student(other) == "smooth"


def test_two_kinds_ranks_people_errors_and_novelty(study):
    frame = two_kinds.table(study).frame
    row = frame[(frame["student"] == "hard") & (frame["score"] == "knn")].iloc[0]
    results, runs = study.results, [run for run in study.predictions["hard"] if run.kind == "run"]
    people, labels = metrics.entropy(results.targets("test")["exact"]), results.part("test")["labels"]
    scores = [run.novelty["knn"]["test"] for run in runs]
    wrong = [run.probs.argmax(axis=1) != labels for run in runs]
    assert row["ambiguity"] == pytest.approx(np.mean([metrics.rank_correlation(each, people) for each in scores]))
    errors = [metrics.auroc(each[~missed], each[missed]) for each, missed in zip(scores, wrong, strict=True)]
    assert row["errors"] == pytest.approx(np.mean(errors))
    novel = [metrics.auroc(run.novelty["knn"]["test"], run.novelty["knn"]["rings"]) for run in runs]
    assert row["novelty_near"] == pytest.approx(np.mean(novel))
    assert {"apart_near", "apart_far"} <= set(frame.columns)
    assert "normalised_max_logit" not in set(frame["score"])


def test_without_votes_ambiguity_is_left_out(study):
    results = copy.deepcopy(study.results)
    for part in results.splits[0].values():
        part.pop("votes"), part.pop("exact")
    alone = study_of(results)
    assert not {"ambiguity", "apart_near"} & set(two_kinds.table(alone).frame.columns)
    drawing = two_kinds.draw(alone)
    assert [ax.get_title() for ax in drawing.figure.axes] == ["errors", "novelty"]
    assert "ambiguity" not in drawing.finding


def test_the_figure_has_a_row_per_score_and_names_the_highest_of_those_that_all_have(study):
    drawing = two_kinds.draw(study)
    titles = [ax.get_title() for ax in drawing.figure.axes]
    assert titles == ["ambiguity", "errors", "novelty", "novel, not ambiguous"]
    frame = two_kinds.table(study).frame
    counts = frame.groupby("score")["student"].nunique()
    means = frame[frame["score"].isin(counts[counts == len(STUDENTS)].index)].groupby("score")["novelty_far"].mean()
    assert f"Highest means of the {len(means)} scores that all students have" in drawing.finding
    assert f"far novelty {score_titles(study.results)[means.idxmax()]} (" in drawing.finding
    stronger = study.numbers.assign(value=study.numbers["value"].mask(study.numbers["score"] == "vim", 1.0))
    assert "ViM" not in two_kinds.draw(dataclasses.replace(study, numbers=stronger)).finding  # of one student alone
    rows = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert {"KNN", "ViM", "entropy", "density (DDU)"} <= set(rows)
    assert len(rows) == frame["score"].nunique()


def test_networks_of_two_names_count_once_in_the_means(study):
    """A second name for the networks of `hard` changes no mean."""
    twice = copy.deepcopy(study.results)
    twice.params["students"]["again"], twice.students["again"] = twice.params["students"]["hard"], twice.students["hard"]
    assert two_kinds.draw(study_of(twice)).finding == two_kinds.draw(study).finding


def test_all_panels_have_ambiguity_from_the_same_distribution(study):
    """Where both are known: the exact one, in the rank correlation and in the choice of ambiguous images."""
    assert set(study.results.targets("test")) == {"human", "exact"}
    row = two_kinds.table(study).frame.set_index(["student", "score"]).loc[("hard", "knn")]
    runs = [run for run in study.predictions["hard"] if run.kind == "run"]
    exact = metrics.entropy(study.results.targets("test")["exact"])
    expected = [metrics.rank_correlation(run.novelty["knn"]["test"], exact) for run in runs]
    assert row["ambiguity"] == pytest.approx(np.mean(expected))
    chosen = ambiguous(study.results)
    assert exact[chosen].min() >= np.delete(exact, chosen).max()
    assert "entropy of the exact distribution about the test images" in two_kinds.draw(study).reading


def test_a_score_of_ambiguity_lies_below_chance_in_the_last_panel(study):
    """As the text under the figure says: its test images are those that the score ranks highest."""
    exact, chosen = metrics.entropy(study.results.targets("test")["exact"]), ambiguous(study.results)
    novel = np.random.default_rng(0).permutation(exact)  # novel images that are as ambiguous as the test images
    assert metrics.auroc(exact, novel) == pytest.approx(0.5)
    assert metrics.auroc(exact[chosen], novel) < 0.3


def test_who_does_without_which_score_is_said(study):
    assert [title for title, _ in left_out.named_titles(study)] == ["KNN", "ViM"]
    assert left_out.sentence(study) == (
        "ViM is left out for smooth, whose last layer (softmax) is not a linear one. "
        "The study asks for none of them of sampling."
    )


def test_a_study_that_names_none_says_nothing(study):
    results = copy.deepcopy(study.results)
    results.params["novelty"] = {"students": [], "scores": []}
    nothing = study_of(results)
    assert (left_out.named_titles(nothing), left_out.sentence(nothing)) == ([], "")
