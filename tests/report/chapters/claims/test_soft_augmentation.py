"""Claims E1 to E4: soft crops against the same crops hard, the usual augmentation, and RandAugment alone."""

import copy
import re
from dataclasses import replace

import numpy as np
import pytest

from softcifar import metrics
from softcifar.report.chapters.claims import soft_augmentation
from softcifar.report.chapters.published.table import table as published
from softcifar.report.core.design import Design
from softcifar.report.core.verdicts import judge
from tests.report.fixture import make_study, read, study_of

CLAIMS = ("E1", "E2", "E3", "E4")
CROP = {"name": "crop_flip", "options": {"padding": 4}}
RANDOM = {"name": "randaugment", "options": {"ops": 2}}
STUDENTS = {"hard": (2.2, 1.15, 1), "hard_soft": (1.1, 0.5, 1), "hard_same": (1.5, 1.0, 1), "hard_random": (1.4, 0.9, 1),
            "hard_both": (1.2, 0.6, 1)}  # fmt: skip


def crop(mode):
    return {"name": "soft_crop", "options": {"sigma": 0.375, "k": 2.0, "mode": mode}}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("claims")
    params = make_study(root, students=STUDENTS, runs=4)
    params["distillation"]["students"] = []
    steps = {"hard_soft": [crop("target_and_weight")], "hard_same": [crop("hard")], "hard_random": [CROP, RANDOM],
             "hard_both": [RANDOM, crop("target_and_weight")]}  # fmt: skip
    for name, augment in steps.items():
        params["students"][name]["augment"] = augment
    return root, params


@pytest.fixture(scope="module")
def found(study):
    return judge(soft_augmentation.checks(study_of(read(*study))), Design())


def of(found, claim):
    return [each for each in found if each.claim == claim]


def test_who_is_compared(found):
    compared = {
        claim: [each.compared.replace(" (hard labels)", "").split(": ")[0] for each in of(found, claim)] for claim in CLAIMS
    }
    assert compared == {
        "E1": ["hard_soft against hard_same"],
        "E2": ["hard_soft against half of hard"],
        "E3": ["hard_soft against hard"],
        "E4": ["hard_both against hard_random"],
    }


@pytest.mark.parametrize("mode", ["target", "published"])
def test_soft_crops_of_other_modes_are_judged_too(study, mode):
    root, params = study
    changed = copy.deepcopy(params)
    for name in ("hard_soft", "hard_both"):
        changed["students"][name]["augment"][-1]["options"]["mode"] = mode
    rows = soft_augmentation.checks(study_of(read(root, changed)))
    assert {check.claim for check in rows} == set(CLAIMS)


def test_other_crops_are_not_the_same(study):
    root, params = study
    changed = copy.deepcopy(params)
    changed["students"]["hard_same"]["augment"][0]["options"]["sigma"] = 0.2
    results = read(root, changed)
    assert not of(soft_augmentation.checks(study_of(results)), "E1")


def test_e2_takes_half_of_the_other_error(study, found):
    results = read(*study)
    labels = results.part("test")["labels"]
    ece = {
        name: np.array(
            [
                metrics.expected_calibration_error(run, labels, bins=results.bins)
                for run in metrics.predictive(results.students[name].logits["test"])
            ]
        )
        for name in ("hard_soft", "hard")
    }
    assert of(found, "E2")[0].effect == pytest.approx((ece["hard_soft"] - ece["hard"] / 2).mean())


def perfect(results, student):
    """Mean ECE over labels that are drawn from the student's own probabilities."""
    generator, found = np.random.default_rng(5), []
    for probs in metrics.predictive(results.students[student].logits["test"]):
        for _ in range(50):
            labels = (generator.random((len(probs), 1)) > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)
            found.append(metrics.expected_calibration_error(probs, labels, bins=results.bins))
    return np.mean(found)


def halved(study, ece):
    """E2's row if the usual augmentation had this ECE in all runs, but for a little spread."""
    numbers = study.numbers.copy()
    usual = (numbers["student"] == "hard") & (numbers["metric"] == "ece") & (numbers["kind"] == "run")
    numbers.loc[usual, "value"] = ece + 1e-4 * np.arange(usual.sum())
    (only,) = of(judge(soft_augmentation.checks(replace(study, numbers=numbers)), Design()), "E2")
    return only


def test_e2_is_not_testable_where_half_lies_below_what_a_perfectly_calibrated_network_would_score(study):
    whole = study_of(read(*study))
    floor = perfect(whole.results, "hard_soft")
    below = halved(whole, 1.8 * floor)
    assert below.verdict == "undecided"
    words = (
        r"not testable: half of hard's ECE, (\S+), lies below the (\S+) that hard_soft would score on so many test images "
        "if it were perfectly calibrated"
    )
    shown = [float(number) for number in re.fullmatch(words, below.reason).groups()]
    assert shown == pytest.approx([0.9 * floor, floor], rel=0.1)
    assert np.isnan([below.detectable, below.needed]).all()  # no number of runs would do
    above = halved(whole, 2.2 * floor)
    assert above.reason.startswith("p ")


def test_e3_takes_the_share_of_accuracy_above_chance_that_a_patch_costs(study, found):
    """At the size that suits the claim best, corrected for the number of sizes; one row, which gives the verdict."""
    results = read(*study)
    lost = {}
    for name in ("hard_soft", "hard"):
        shifts = results.students[name].shifts
        labels = results.part("test")["labels"][shifts.index]
        accuracy = np.array([[metrics.accuracy(np.exp(each), labels) for each in run] for run in shifts.log_probs])
        above = accuracy - 1 / len(results.classes)
        covered = np.flatnonzero(np.array(shifts.shift) == "occlusion")
        lost[name] = 100 * (1 - above[:, covered] / above[:, :1])  # (runs, sizes)
    differences = 4 * lost["hard_soft"] - lost["hard"]
    (only,) = of(found, "E3")
    a, b = (lost[name].mean(axis=0)[differences.mean(axis=0).argmin()] for name in ("hard_soft", "hard"))
    assert only.compared == (
        f"hard_soft (hard labels) against hard (hard labels): hard_soft loses {a:.1f} % of its accuracy above chance under a "
        f"patch over 20 % of the image, hard {b:.1f} %"
    )
    assert "4 times the first's less the second's" in only.metric
    assert only.effect == pytest.approx(differences.mean(axis=0).min())
    (check,) = of(soft_augmentation.checks(study_of(results)), "E3")
    single = [metrics.over_runs(each).p_above() for each in differences.T]
    evidence = check.evidence(Design().these)
    assert evidence == (pytest.approx(min(1, len(single) * (1 - max(single)))), pytest.approx(max(single)))


def test_e3_says_what_is_lost_where_there_is_one_size_of_the_patch(study):
    root, params = study
    whole = study_of(read(root, params))
    whole.results.params["evaluation"]["shifts"] |= {"covered": [0.5]}
    (only,) = of(judge(soft_augmentation.checks(whole), Design()), "E3")
    assert only.compared.count("under a patch over 50 % of the image") == 1


def test_published_accuracies_stand_beside_the_modes_that_they_belong_to(study):
    root, params = study
    params = copy.deepcopy(params)
    params["datasets"]["drawn"]["source"] = "cifar100"
    params["students"]["hard_soft"]["augment"] = [crop("published")]
    for options in params["students"].values():
        options["network"]["name"] = "resnet18"
    results = read(root, params)
    frame = published(study_of(results)).frame
    found = frame[frame["published_as"].str.startswith("Liu")].set_index("student")["accuracy_published"].to_dict()
    assert found == {"hard": 0.7920, "hard_soft": 0.8169}
