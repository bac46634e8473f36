"""Claims of a whole study: students are found by what they are, rows are computed from their runs."""

import copy

import numpy as np
import pandas as pd
import pytest

from softcifar import metrics
from softcifar.report.chapters.claims import CLAIMS
from softcifar.report.core.kinds import alike, described
from softcifar.report.core.verdicts import difference
from tests.report.fixture import Page, make_study, read, row, study_of, write


@pytest.fixture(scope="module")
def found(study):
    return pd.read_csv(study[0] / "reports" / "tables" / "claims.csv")


def claims(root, params):
    study = study_of(read(root, params))
    return [finding for check in CLAIMS for finding in check(study)]


def test_b1_is_the_paired_difference_of_ils_and_smoothing(study, found):
    root, _ = study
    labels = np.load(root / "data/study/test.npz")["labels"]
    accuracy = {
        name: [
            metrics.accuracy(run, labels)
            for run in metrics.predictive(np.load(root / "scores/students" / name / "logits.npz")["test"])
        ]
        for name in ("instance", "smooth")
    }
    gaps = 100 * (np.array(accuracy["instance"]) - accuracy["smooth"])
    shown = row(found, claim="B1", metric="accuracy, points")
    assert shown["effect"] == pytest.approx(gaps.mean())
    assert shown["n"] == 3
    half = 4.302653 * gaps.std(ddof=1) / np.sqrt(3)
    assert (shown["low"], shown["high"]) == pytest.approx((gaps.mean() - half, gaps.mean() + half))


def test_b3_compares_the_shallow_networks(study, found):
    root, _ = study
    labels = np.load(root / "data/study/test.npz")["labels"]
    nll = {}
    for name in ("instance", "hard"):
        logits = np.load(root / "scores/shallow" / name / "logits.npz")["test"]
        nll[name] = [metrics.negative_log_likelihood(run, labels) for run in metrics.predictive(logits)]
    rows = found[(found["claim"] == "B3") & (found["metric"] == "NLL, nats") & found["compared"].str.contains("hard labels")]
    expected = difference("", "", "", "", nll["instance"], nll["hard"], higher=False)
    assert list(rows["effect"]) == [pytest.approx(expected.effect)]
    assert list(rows["verdict"]) == [expected.verdict]


def test_b2_takes_every_other_source_of_labels_as_rival(found):
    compared = row(found, claim="B2")["compared"]
    assert "best of hard, smooth, human:" in compared  # not relaxed (another loss), not sampling (another network)


def test_c1_and_c2_pair_each_choice_with_the_untuned_students(found):
    for claim in ("C1", "C2"):
        pairs = found[found["claim"] == claim]["compared"].str.replace(r" \([^)]*\)", "", regex=True)
        assert sorted(pairs) == [
            f"{ours} against {theirs}" for ours in ("relaxed", "relaxed_ece") for theirs in ("hard", "smooth")
        ]


def test_the_same_networks_under_two_names_say_so(study):
    results = read(*study)
    about = results.students["relaxed_ece"].about
    assert "same networks" not in described(results, "relaxed_ece")
    about["choice"] = results.students["relaxed"].about["choice"]
    assert described(results, "relaxed_ece").endswith("chosen by ECE, the same networks as relaxed)")
    assert "same networks" not in described(results, "relaxed")


def test_students_are_found_by_their_options_not_by_their_names(study, tmp_path):
    """The same study under other names has the same effects."""
    root, params = study
    renamed = copy.deepcopy(params)
    names = {name: f"s{number}" for number, name in enumerate(params["students"])}
    renamed["students"] = {names[name]: options for name, options in params["students"].items()}
    renamed["report"]["reference"] = names["hard"]
    renamed["distillation"]["students"] = [names[name] for name in params["distillation"]["students"]]
    for folder in ("data", "models"):
        (tmp_path / folder).symlink_to(root / folder)
    (tmp_path / "scores" / "shallow").mkdir(parents=True)
    (tmp_path / "scores" / "students").mkdir()
    (tmp_path / "scores" / "illustrations").symlink_to(root / "scores" / "illustrations")
    for name, new in names.items():
        (tmp_path / "scores" / "students" / new).symlink_to(root / "scores" / "students" / name)
        (tmp_path / "scores" / "shallow" / new).symlink_to(root / "scores" / "shallow" / name)
    before, after = claims(root, params), claims(tmp_path, renamed)
    assert [(each.claim, each.metric, each.effect) for each in before] == [
        (each.claim, each.metric, each.effect) for each in after
    ]


def test_students_that_differ_elsewhere_are_not_compared(study):
    root, params = study
    changed = copy.deepcopy(params)
    changed["students"]["instance"]["lr"] = 0.2
    assert not {each.claim for each in claims(root, changed)} & {"B1", "B2", "B3", "B4"}


def test_the_choosing_score_matters_only_between_tuned_students(study):
    results = read(*study)
    assert alike(results, "relaxed_ece", "hard", but=("labels", "loss"))  # hard had nothing to choose
    assert not alike(results, "relaxed_ece", "relaxed", but=("labels",))
    assert not alike(results, "sampling", "hard", but=("labels",))


def test_a_study_without_the_students_has_no_claims(tmp_path):
    params = make_study(tmp_path, students={"hard": (1, 1, 4), "human": (1, 0.5, 1)}, images=60)
    page = (write(tmp_path, params) / "index.html").read_text()
    assert not (tmp_path / "reports/tables/claims.csv").exists()
    ids = {attrs.get("id") for _, attrs in Page(page).tags}
    assert "tuning-table" not in ids
    assert "claims" not in ids
    assert "teaching-table" in ids


def test_the_page_states_claim_and_verdict(study, found):
    text = (study[0] / "reports/index.html").read_text()
    for verdict in ("supported", "undecided"):
        assert (found["verdict"] == verdict).any()
        assert f'<strong class="{verdict}">' in text
    assert "Maher &amp; Kull 2021" in text
