"""The report on robustness: its numbers are those of the arrays, and masked gradients are named."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from softcifar import metrics
from softcifar.report.chapters.robustness import attacks, shifts
from softcifar.report.chapters.robustness.attacks import curves as attack_curves
from softcifar.report.chapters.robustness.masking import _p_value, cost_in_words, in_words, masking
from softcifar.report.chapters.robustness.shifts import curves as shift_curves
from softcifar.report.core.predictions import all_predictions, runs
from tests.report.fixture import SHIFTS, STRONG, make_study, numbers, read, row, write


@pytest.fixture(scope="module")
def results(study):
    return read(*study)


def arrays(study, student: str, name: str) -> dict[str, np.ndarray]:
    return dict(np.load(study[0] / "scores/students" / student / f"{name}.npz"))


def run_of(results, student: str, run: int):
    return runs(all_predictions(results)[student])[run]


def labels(study) -> np.ndarray:
    return np.load(study[0] / "data/study/test.npz")["labels"]


def test_the_table_holds_every_attack_at_every_strength(study):
    table = pd.read_csv(study[0] / "reports/tables/adversarial.csv")
    found = arrays(study, "human", "adversarial")
    right = found["pgd_log_probs"][:, 2].argmax(-1) == labels(study)[found["pgd_index"]]
    assert row(table, student="human")["pgd_8"] == pytest.approx(right.mean(axis=1).mean())
    for name in ("pgd", "random_search", "transfer_hard"):
        assert {f"{name}_{eps}" for eps in STRONG} <= set(table.columns)
    assert "pgd_0" not in table  # the same images without an attack stand under FGSM


def test_the_surrogates_own_run_is_no_transfer(results):
    metrics_of = [{metric for metric, *_ in attacks.rows(results, run_of(results, "hard", run))} for run in (0, 1)]
    assert metrics_of[1] - metrics_of[0] == {"transfer_hard_accuracy"}
    curves = attack_curves(results)
    transferred = curves[(curves["student"] == "hard") & (curves["attack"] == "transfer_hard")]
    assert sorted(transferred["seed"].unique()) == [1, 2]


def test_curves_compare_attacks_on_the_same_images(study, results):
    """FGSM attacked more images than PGD; without an attack all curves start at the same accuracy."""
    curves = attack_curves(results)
    start = curves[(curves["eps_255"] == 0) & (curves["student"] == "smooth")].groupby("seed")["accuracy"]
    assert (start.nunique() == 1).all()
    found = arrays(study, "smooth", "adversarial")
    common = np.isin(found["fgsm_index"], found["pgd_index"])
    assert 0 < common.sum() < len(common)
    expected = (found["fgsm_log_probs"][1, 3, common].argmax(-1) == labels(study)[found["fgsm_index"][common]]).mean()
    chosen = curves[(curves["student"] == "smooth") & (curves["attack"] == "fgsm") & (curves["seed"] == 1)]
    assert chosen[chosen["eps_255"] == 2]["accuracy"].item() == expected


def test_shifts_are_scored_on_their_images(study, results):
    found = arrays(study, "hard", "shifts")
    place = found["shift"].tolist().index("contrast") + 2  # severity 5
    probs = np.exp(found["log_probs"][1, place].astype(float))
    probs /= probs.sum(axis=1, keepdims=True)
    values = {(metric, name, level): value for metric, name, level, value in shifts.rows(results, run_of(results, "hard", 1))}
    own = labels(study)[found["index"]]
    assert values["shift_accuracy", "contrast", "5"] == metrics.accuracy(probs, own)
    assert values["shift_nll", "contrast", "5"] == pytest.approx(metrics.negative_log_likelihood(probs, own))
    assert values["shift_ece", "contrast", "5"] == pytest.approx(metrics.expected_calibration_error(probs, own, bins=10))
    assert values["shift_confidence", "contrast", "5"] == pytest.approx(probs.max(axis=1).mean())
    for metric in ("shift_accuracy", "shift_entropy"):
        each = {(name, level): values[metric, name, level] for name in SHIFTS["corruptions"] for level in "135"}
        assert values[metric, "corruptions", ""] == pytest.approx(np.mean(list(each.values())))
        assert values[metric, "corruptions", "3"] == pytest.approx(
            np.mean([v for (_, level), v in each.items() if level == "3"])
        )
        assert values[metric, "contrast", ""] == pytest.approx(np.mean([each["contrast", level] for level in "135"]))


def test_scores_are_ranked_against_the_error(results):
    """The fabricated densities rise with the shift, which raises the error; the negated ones fall with it."""
    student = results.students["hard"]
    for density in student.shifts.novelty.values():
        density[:] = 1 - (student.shifts.log_probs.argmax(-1) == results.part("test")["labels"][student.shifts.index])
    follows = {
        name: value
        for metric, _, name, value in shifts.rows(results, run_of(results, "hard", 0))
        if metric == "shift_correlation"
    }
    assert follows["ddu"] == pytest.approx(1)
    student.shifts.novelty["ddu"][:] *= -1
    follows = {
        name: value
        for metric, _, name, value in shifts.rows(results, run_of(results, "hard", 0))
        if metric == "shift_correlation"
    }
    assert follows["ddu"] == pytest.approx(-1)
    assert follows["predictive_entropy"] > 0.5


def test_curves_of_shifts_start_at_unshifted_images(results):
    table = numbers(results)
    curve = shift_curves(table, "shift_accuracy", "corruptions")
    assert sorted(curve["level"].unique()) == [0, 1, 3, 5]
    assert sorted(shift_curves(table, "shift_accuracy", "crop")["level"].unique()) == [0.25, 0.75, 1]
    clean = table[(table["metric"] == "shift_accuracy") & (table["set"] == "none") & (table["student"] == "hard")]["value"]
    assert curve[(curve["student"] == "hard") & (curve["level"] == 0)]["value"].tolist() == clean.tolist()


def test_masked_gradients_are_named_and_nothing_else(study, results):
    """The fabricated student 'sampling' withstands PGD better than random squares; the others fall to PGD first."""
    flags = masking(results)
    assert {flag.student for flag in flags} == {"sampling"}
    assert {flag.black_box for flag in flags} == {"random_search", "transfer_hard"}
    assert all(flag.pgd > flag.other and flag.p < 0.05 for flag in flags)
    assert "sampling: looks robust to gradients only. At " in (study[0] / "reports/index.html").read_text()


def test_masking_without_any_spread_over_runs_is_named_too(results):
    """All right under PGD in every run, all wrong under random search: no spread, so no t test, and no doubt either."""
    plain = copy.deepcopy(results)
    student = plain.students["human"]
    truth = np.eye(5)[plain.part("test")["labels"][student.attacks["pgd"].index]]
    student.attacks["pgd"].log_probs[:] = np.log(0.9 * truth + 0.02)
    student.attacks["random_search"].log_probs[:] = np.log(0.9 * np.roll(truth, 1, axis=-1) + 0.02)
    assert ("human", "random_search") in {(flag.student, flag.black_box) for flag in masking(plain)}
    student.attacks["random_search"].log_probs[:] = student.attacks["pgd"].log_probs
    student.attacks["random_search"].log_probs[:, :, 0] = np.log(0.9 * np.roll(truth[0], 1) + 0.02)  # one image of all
    assert ("human", "random_search") not in {(flag.student, flag.black_box) for flag in masking(plain)}


def test_without_a_difference_or_runs_the_sentence_says_so(results):
    assert in_words(results, []) == [
        "No sign of masked gradients: no student's accuracy under PGD lies above that under a black-box attack of the same "
        "strength beyond doubt over runs."
    ]
    few = copy.deepcopy(results)
    for student in few.students.values():
        del student.seeds[2:]
        for attack in student.attacks.values():
            object.__setattr__(attack, "log_probs", attack.log_probs[:2])
    assert masking(few) == []
    assert "that takes three runs" in in_words(few, [])[0]
    for student in few.students.values():
        student.attacks.clear()
    assert in_words(few, []) == []


def test_the_cost_is_told(results):
    assert "12,000 for the attacks, 3,000 for the shifts" in cost_in_words(results)


def test_a_study_without_attacks_and_shifts_has_no_such_section(tmp_path):
    params = make_study(tmp_path, students={"hard": (1, 1, 1)}, runs=2, images=60)
    params["evaluation"]["shifts"] |= {"corruptions": [], "severities": [], "covered": [], "visible": []}
    for name in ("adversarial", "shifts"):
        np.savez(tmp_path / "scores/students/hard" / f"{name}.npz")
    reports = write(tmp_path, params)
    assert 'id="robustness"' not in (reports / "index.html").read_text()
    tables = {path.stem for path in (reports / "tables").iterdir()}
    assert not tables & {"adversarial", "corruption", "shift_uncertainty"}
    figures = {path.stem for path in (reports / "figures").iterdir()}
    assert not figures & {"attack", "corruption_accuracy", "corruption_ece", "occlusion", "crop", "shift_uncertainty"}
    assert not any("fgsm" in key for key in json.loads((reports / "metrics.json").read_text())["hard"])


@pytest.mark.parametrize(("images", "p"), [(2, 0.25), (5, 1 / 32)])
def test_an_image_counts_once_in_the_sign_test_however_many_runs_agree(images, p):
    """Three runs, some images fooled by random search in all of them and never by PGD: one outcome per image."""
    own = np.ones((3, 20), dtype=bool)
    other = own.copy()
    other[:, :images] = False
    assert _p_value(own, other) == pytest.approx(p)
    own[:2, -2:], other[:2, -2:] = np.eye(2, dtype=bool), np.eye(2, dtype=bool)[::-1]  # as often right under either
    assert _p_value(own, other) == pytest.approx(p)


def test_images_of_different_splits_are_different_images():
    """Four runs on two splits: where each fools one image of its own, these are two outcomes of 2 runs, not one of 4."""
    own = np.ones((4, 20), dtype=bool)
    other = own.copy()
    other[:, 0] = False
    assert _p_value(own, other) == pytest.approx(1 / 2)
    assert _p_value(own, other, images_of=2) == pytest.approx(1 / 4)
