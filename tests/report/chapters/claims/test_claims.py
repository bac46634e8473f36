"""Claims of a whole study: students are found by what they are, rows are computed from their runs."""

import copy

import numpy as np
import pandas as pd
import pytest

from softcifar import metrics
from softcifar.report.chapters.claims import CLAIMS
from softcifar.report.core.design import Design
from softcifar.report.core.kinds import alike, distinct
from softcifar.report.core.verdicts import judge
from tests.report.fixture import make_study, read, row, study_of, write
from tests.report.page import Page


@pytest.fixture(scope="module")
def found(study):
    return pd.read_csv(study[0] / "reports" / "tables" / "claims.csv")


def claims(root, params):
    study = study_of(read(root, params), calibrated=True)
    return judge([check for give in CLAIMS for check in give(study)], Design())


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
    gaps = np.subtract(nll["instance"], nll["hard"])
    assert list(rows["effect"]) == [pytest.approx(gaps.mean())]


def test_b2_takes_every_other_source_of_labels_as_rival(found):
    rows = found[found["claim"] == "B2"]
    assert len(rows) == 2  # two definitions of class-wise ECE
    # Not people's votes, which they do not compare; not relaxed (another loss), not sampling (another network).
    assert set(rows["compared"].str.extract(r"against each of (.*): ")[0]) == {"hard, smooth"}


def compared(found, claim):
    return sorted(found[found["claim"] == claim]["compared"].str.replace(r" \([^)]*\)", "", regex=True))


def test_c1_pairs_each_choice_with_the_untuned_students(found):
    assert compared(found, "C1") == [
        f"{ours} against {theirs}" for ours in ("relaxed", "relaxed_ece") for theirs in ("hard", "smooth")
    ]


def test_c1_allows_a_tenth_of_the_rivals_errors(study, found):
    labels = np.load(study[0] / "data/study/test.npz")["labels"]
    rows = found[(found["claim"] == "C1") & found["compared"].str.endswith("against smooth (label smoothing)")]
    runs = metrics.predictive(np.load(study[0] / "scores/students/smooth/logits.npz")["test"])
    errors = 100 - 100 * np.mean([metrics.accuracy(run, labels) for run in runs])
    assert all(f"(margin {0.1 * errors:.2g}: " in metric for metric in rows["metric"])


def test_c2_leaves_out_what_held_out_calibration_chose_and_takes_cross_entropy_with_temperature(study, found):
    assert compared(found, "C2") == [
        "relaxed against hard",
        "relaxed against hard with temperature scaling",
        "relaxed against smooth",
    ]
    table = study_of(read(*study)).numbers
    table = table[(table["kind"] == "run") & (table["set"] == "test")]
    values = table.pivot_table(index="seed", columns=["student", "metric"], values="value")
    shown = found[(found["claim"] == "C2") & found["compared"].str.endswith("with temperature scaling")]
    gap = values["relaxed", "ece"] - values["hard", "ece_scaled"]
    assert shown["effect"].item() == pytest.approx(gap.mean())


def test_networks_that_stand_under_two_names_are_counted_once(study):
    results = read(*study)
    assert "relaxed_ece" in distinct(results)
    results.students["relaxed_ece"].about["choice"] = results.students["relaxed"].about["choice"]
    assert "relaxed" in distinct(results)
    assert "relaxed_ece" not in distinct(results)
    whole = study_of(results, calibrated=True)
    rows = [check for give in CLAIMS for check in give(whole)]
    assert len([check for check in rows if check.claim == "C1"]) == 2


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
    validation = dict(np.load(tmp_path / "data/study/validation.npz"))
    del validation["votes"]  # by which any student can be calibrated to people
    np.savez(tmp_path / "data/study/validation.npz", **validation)
    page = (write(tmp_path, params) / "index.html").read_text()
    assert not (tmp_path / "reports/tables/claims.csv").exists()
    ids = {attrs.get("id") for _, attrs in Page(page).tags}
    assert "tuning-table" not in ids
    assert "claims" not in ids
    assert "teaching-table" in ids


def test_the_page_states_claim_and_verdict(study, found):
    text = (study[0] / "reports/index.html").read_text()
    assert set(found["verdict"]) <= {"undecided", "supported on these images", "contradicted on these images"}  # one split
    for verdict in ("supported on these images", "undecided"):
        assert (found["verdict"] == verdict).any()
        assert f'<strong class="{verdict}">' in text
    assert "Maher &amp; Kull 2021" in text


def test_no_csv_file_has_a_number_without_end_and_a_decided_row_needs_none(tables):
    for table in tables.values():
        assert not np.isinf(table.select_dtypes("number")).any(axis=None)
    for name in ("claims", "comparisons"):
        decided = tables[name]["verdict"] != "undecided"
        assert decided.any()
        assert tables[name].loc[decided, "needed"].isna().all()
        assert tables[name].loc[~decided, "needed"].between(4, 10_001).any()
        assert tables[name]["needed"].max() <= 10_001
