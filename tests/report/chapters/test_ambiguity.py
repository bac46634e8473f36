"""The ambiguity chapter, and claim D3 by images that were made to be ambiguous; without them there is neither."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from softcifar import metrics
from softcifar.files import read_npz, write_npz
from softcifar.report.chapters.ambiguity import histograms, separation
from softcifar.report.chapters.claims import ddu
from softcifar.report.core.columns import plain
from softcifar.scores.predictive_entropy import predictive_entropy
from tests.report.fixture import make_study, placed, row, write
from tests.report.page import Page

STUDENTS = {"human": (1.1, 0.5, 1), "hard": (2.2, 1.2, 1)}


def mark(root: Path, made: np.ndarray) -> None:
    path = root / "data/study/test.npz"
    write_npz(path, **(read_npz(path) | {"ambiguous": made}))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(root, params) of a study whose test images say which of them are torn between two classes; "hard" has a twin with
    spectral normalisation, and there are three ensembles of two runs."""
    root = tmp_path_factory.mktemp("ambiguous")
    params = make_study(root, students=STUDENTS | {"human_sn": (1.1, 0.6, 1)}, runs=6)
    params["students"]["human_sn"]["network"]["options"] |= {"spectral_norm": True, "coeff": 3.0}
    params["report"]["ensembles"] = 3
    params["distillation"]["students"] = []
    mark(root, np.load(root / "data/study/test.npz")["exact"].max(axis=1) < 0.95)
    return root, params


@pytest.fixture(scope="module")
def study(made):
    return placed(*made)


@pytest.fixture(scope="module")
def page(made):
    return write(*made, reports="page", only=("ambiguity", "novelty"))


def test_the_rows_are_the_metric_of_the_images_that_they_name(made, study):
    ambiguous = np.load(made[0] / "data/study/test.npz")["ambiguous"]
    student = study.results.students["human"]
    for run in range(6):
        entropy = {name: predictive_entropy(values[run]) for name, values in student.logits.items()}
        density = {name: values[run] for name, values in student.novelty["ddu"].items()}
        for score, values in (("predictive_entropy", entropy), ("ddu", density)):
            keys = {"student": "human", "kind": "run", "seed": run, "score": score}
            known = values["test"]
            expected = {
                ("auroc_ambiguous_clean", "test"): metrics.auroc(known[~ambiguous], known[ambiguous]),
                ("auroc_novel_ambiguous", "noise"): metrics.auroc(known[ambiguous], values["ood_noise"]),
                ("auroc_novel_ambiguous", "far"): metrics.auroc(known[ambiguous], values["ood_noise"]),
                ("auroc_novel_clean", "rings"): metrics.auroc(known[~ambiguous], values["ood_rings"]),
            }
            for (metric, place), value in expected.items():
                assert row(study.numbers, metric=metric, set=place, **keys)["value"] == pytest.approx(value, abs=1e-12)
    assert metrics.auroc(density["test"][~ambiguous], density["test"][ambiguous]) != 0.5


def test_accuracy_on_both_kinds_adds_up(made, study):
    ambiguous = np.load(made[0] / "data/study/test.npz")["ambiguous"]
    keys = {"student": "hard", "kind": "run", "seed": 0, "set": "test"}
    clean, torn, whole = (
        row(study.numbers, metric=metric, **keys)["value"] for metric in ("accuracy_clean", "accuracy_ambiguous", "accuracy")
    )
    assert whole == pytest.approx(ambiguous.mean() * torn + (~ambiguous).mean() * clean)
    assert clean > torn


def test_the_tables_have_single_networks_and_ensembles(study):
    shown, every = separation.aurocs(study), separation.every_score(study)
    columns = [
        "ambiguous, clean",
        "novel (near), ambiguous",
        "novel (near), clean",
        "novel (far), ambiguous",
        "novel (far), clean",
    ]
    assert [title for title, _ in shown.header] == ["Student", "Model", "Score", "n", *columns]
    assert set(shown.frame["score"]) == {"predictive_entropy", "mutual_information", "ddu"}
    numbers = study.numbers
    values = numbers[(numbers["metric"] == "auroc_ambiguous_clean") & (numbers["score"] == "predictive_entropy")]
    values = values[(values["student"] == "hard") & (values["kind"] == "run")]["value"]
    keys = {"student": "hard", "kind": "run", "score": "predictive_entropy"}
    mean, low, high = (row(shown.frame, **keys)[f"ambiguous_clean{end}"] for end in ("", "_low", "_high"))
    assert row(shown.frame, **keys)["n"] == 6
    assert mean == pytest.approx(values.mean())
    expected = stats.t.interval(0.95, 5, values.mean(), values.std() / np.sqrt(6))
    assert (low, high) == pytest.approx(expected)
    place = shown.frame.index[(shown.frame[list(keys)] == pd.Series(keys)).all(axis=1)][0]
    assert shown.rows[place][4].text == f"{plain(mean)} ({plain(max(low, 0))} to {plain(min(high, 1))})"
    assert row(every.frame, **keys)["ambiguous_clean_se"] == pytest.approx(values.std() / np.sqrt(6))
    assert row(shown.frame, student="hard", kind="ensemble", score="mutual_information")["n"] == 3
    assert row(shown.frame, student="hard", kind="ensemble", score="ddu")["n"] == 3
    assert list(separation.accuracies(study).frame["kind"].unique()) == ["run", "ensemble"]


def test_d3_is_asked_of_every_network_by_what_was_made_ambiguous(study):
    found = [check for check in ddu.checks(study) if check.claim.startswith("D3")]
    for student in ("human", "hard", "human_sn"):
        of = [check for check in found if check.students == (student,)]
        assert [check.metric for check in of] == [
            "AUROC of ambiguous against clean test images",
            "AUROC of near sets against ambiguous test images",
            "AUROC of far sets against ambiguous test images",
            "AUROC of near sets against ambiguous test images",
            "AUROC of far sets against ambiguous test images",
        ]
        assert [check.unit for check in of] == [""] * 3 + ["ensembles"] * 2
        assert {check.claim for check in of} == {"D3" if student == "human_sn" else "D3, not normalised"}
        assert ["no spectral normalisation" in check.compared for check in of] == [student != "human_sn"] * 5
    assert len(found) == 15
    numbers = study.numbers[study.numbers["student"] == "hard"]
    entropy, density = (
        numbers[
            (numbers["metric"] == "auroc_ambiguous_clean") & (numbers["score"] == score) & (numbers["kind"] == "run")
        ].set_index("seed")["value"]
        for score in ("predictive_entropy", "ddu")
    )
    first = next(check for check in found if check.students == ("hard",))
    np.testing.assert_allclose(first.against["ddu"], entropy - density)
    far = numbers[(numbers["metric"] == "auroc_novel_ambiguous") & (numbers["set"] == "far")]
    density = far[(far["score"] == "ddu") & (far["kind"] == "run")].set_index("seed")["value"]
    ensembles = far[(far["score"] == "predictive_entropy") & (far["kind"] == "ensemble")].set_index("seed")["value"]
    last = [check for check in found if check.students == ("hard",)][-1]
    members = [density[[number, number + 3]].mean() for number in range(3)]
    np.testing.assert_allclose(last.against["predictive_entropy"], np.array(members) - ensembles.to_numpy())
    assert last.family != first.family


def test_d1_is_about_novel_images_against_clean_ones_where_ambiguity_was_made(study):
    (entropy, *_) = (check for check in ddu.checks(study) if check.claim == "D1")
    assert entropy.metric == "AUROC, near sets against clean test images"
    numbers = study.numbers[(study.numbers["metric"] == "auroc_novel_clean") & (study.numbers["set"] == "near")]
    density, rival = (
        numbers[(numbers["student"] == student) & (numbers["score"] == score) & (numbers["kind"] == "run")].set_index("seed")
        for student, score in ((entropy.students[0], "ddu"), (entropy.students[-1], "predictive_entropy"))
    )
    (differences,) = entropy.against.values()
    np.testing.assert_allclose(differences, density["value"] - rival["value"])


def test_the_chapter_has_its_figure_for_a_wide_and_a_narrow_page(page, made):
    text = (page / "index.html").read_text()
    assert 'id="ambiguity"' in text
    count = int(np.load(made[0] / "data/study/test.npz")["ambiguous"].sum())
    assert f"{count} of the test images were made to be ambiguous" in " ".join(text.split())
    assert "Test images are clean and ambiguous ones together here" in text
    assert (page / "figures/ambiguity_histograms.svg").exists()
    assert (page / "figures/ambiguity_histograms_narrow.svg").exists()
    assert (page / "tables/ambiguity.csv").exists()
    ids = [attributes["id"] for _, attributes in Page(text).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_what_the_figure_found_is_computed(study):
    means = study.mean("auroc_ambiguous_clean", "test", "predictive_entropy")
    low = min(means, key=means.get)
    assert f"entropy between {means[low]:.3f} ({low})" in histograms._finding(study)


@pytest.mark.parametrize("made_of", [None, False, True])
def test_a_study_that_has_one_kind_alone_or_knows_none_has_no_such_chapter(tmp_path, made_of):
    params = make_study(tmp_path, students=STUDENTS, images=60)
    params["distillation"]["students"] = []
    if made_of is not None:
        mark(tmp_path, np.full(60, made_of))
    study = placed(tmp_path, params)
    metrics_here = set(study.numbers["metric"])
    assert not {"auroc_ambiguous_clean", "auroc_novel_ambiguous", "accuracy_clean", "accuracy_ambiguous"} & metrics_here
    assert separation.aurocs(study).rows == separation.accuracies(study).rows == separation.every_score(study).rows == []
    assert histograms.draw(study) is None
    metrics_of = {check.metric for check in ddu.checks(study) if check.claim == "D3"}
    assert metrics_of  # by the images that people disagree about
    assert "AUROC of ambiguous against clean test images" not in metrics_of


def test_an_interval_that_leaves_what_an_auroc_may_be_is_cut_where_it_is_shown():
    record = {"auroc": 0.98, "auroc_low": 0.9, "auroc_high": 1.06}
    assert separation._with_interval("auroc", record) == ".980 (.900 to 1.000)"
    assert separation._with_interval("auroc", record | {"auroc_low": np.nan, "auroc_high": np.nan}) == ".980"
