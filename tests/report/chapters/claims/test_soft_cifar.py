"""Claims A1 to A8 and D1 to D3: who is compared with whom, and that the rows are the metrics' numbers."""

import copy
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from softcifar import metrics
from softcifar.params.study import load
from softcifar.report.chapters.claims import ddu, soft_cifar
from softcifar.report.chapters.novelty.ambiguity import ambiguous
from softcifar.report.chapters.published.table import table as published
from softcifar.report.core.design import Design
from softcifar.report.core.kinds import CHANGED, alike, method, method_title
from softcifar.report.core.verdicts import judge
from softcifar.scores.predictive_entropy import predictive_entropy
from tests.conftest import study_file
from tests.report.fixture import make_study, numbers, read, row, study_of

STUDENTS = {
    "human": (1.1, 0.5, 1),
    "hard": (2.2, 1.2, 1),
    "human_sngp": (1.1, 0.6, 1),
    "human_sampling": (1.1, 0.9, 4),
    "hard_mixed": (1.5, 1.0, 1),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(root, params): "hard" learned from majority votes, "hard_mixed" with MixUp on top."""
    root = tmp_path_factory.mktemp("claims")
    params = make_study(root, students=STUDENTS, runs=4)
    params["distillation"]["students"] = []
    params["labels"]["hard"]["source"] = "majority"
    params["students"]["human_sngp"] |= {"method": {"name": "sngp", "options": {}}, "lr": 0.05}
    params["students"]["hard_mixed"]["augment"].append({"name": "mixup", "options": {"alpha": 0.2, "q": 1.0}})
    return root, params


@pytest.fixture(scope="module")
def results(study):
    return read(*study)


@pytest.fixture(scope="module")
def found(results):
    study = study_of(results)
    return judge([*soft_cifar.checks(study), *ddu.checks(study)], Design())


def of(found, claim):
    return [each for each in found if each.claim == claim]


def runs(results, student, function):
    return np.array([function(run) for run in metrics.predictive(results.students[student].logits["test"])])


def test_a1_compares_votes_with_their_majority(results, found):
    labels = results.part("test")["labels"]
    gaps = runs(results, "human", lambda probs: metrics.accuracy(probs, labels))
    gaps -= runs(results, "hard", lambda probs: metrics.accuracy(probs, labels))
    (only,) = of(found, "A1")
    assert only.compared == "human (people's votes) against hard (majority votes)"
    assert only.effect == pytest.approx(100 * gaps.mean())


def test_a8_holds_when_votes_calibrate_worse(results, found):
    """The row that says "majority is better calibrated": its first is the student of the majority. No row is about what the
    study printed as ECE, which does not measure calibration."""
    labels = results.part("test")["labels"]
    (only,) = of(found, "A8")
    assert only.compared.startswith("hard (majority votes) against human")
    ece = [
        runs(results, name, lambda probs: metrics.expected_calibration_error(probs, labels, bins=results.bins))
        for name in ("hard", "human")
    ]
    assert only.effect == pytest.approx((ece[0] - ece[1]).mean())


def test_a3_is_the_accuracy_lost_and_the_accuracy_under_attack(results, found):
    labels = results.part("test")["labels"]
    lost, kept = {}, {}
    for name in ("human", "hard"):
        fgsm = results.students[name].attacks["fgsm"]
        at = int(np.flatnonzero(fgsm.eps == 2)[0])
        accuracy = [
            [metrics.accuracy(np.exp(fgsm.log_probs[run, place]), labels[fgsm.index]) for place in (0, at)] for run in range(4)
        ]
        lost[name] = np.mean([clean - moved for clean, moved in accuracy])
        kept[name] = np.mean([moved for _, moved in accuracy])
    first, second = of(found, "A3")
    assert (first.metric, first.higher) == ("accuracy lost to FGSM at 2/255, points", False)
    assert (second.metric, second.higher) == ("accuracy under FGSM at 2/255, points", True)
    assert first.effect == pytest.approx(100 * (lost["human"] - lost["hard"]))
    assert second.effect == pytest.approx(100 * (kept["human"] - kept["hard"]))


def test_a5_and_a6_take_the_other_methods_of_the_same_labels(found):
    assert {each.compared.split(": ")[0] for each in of(found, "A5")} == {
        f"human_sngp (people's votes, {method_title('sngp')}), against each of human, human_sampling"
    }
    assert len(of(found, "A5")) == 4  # near and far, by entropy and by the methods' own scores
    lost, kept = of(found, "A6")
    assert (lost.metric, kept.metric) == ("accuracy lost to FGSM at 2/255, points", "accuracy under FGSM at 2/255, points")
    dropout = f"people's votes, {method_title('mc_dropout')}"
    for each in (lost, kept):
        assert each.compared.startswith(f"human_sampling ({dropout}), against each of human, human_sngp")


@pytest.mark.parametrize("study", ["shapes", "cifar10h", "cifar10h_quick", "cifar10h_folds", "cifar10h_grid"])
def test_no_method_of_a_study_drops_out_of_the_comparison_of_methods(study):
    """A method may need another network, rates and weight decay; a key that is not in CHANGED would silently remove a rival."""
    params = load(study_file(study)).model_dump()
    about = {"candidates": [{}], "choice": 0, "choose_by": "nll"}
    results = SimpleNamespace(params=params, students={name: SimpleNamespace(about=about) for name in params["students"]})
    plain = [name for name in params["students"] if method(results, name) == "softmax"]
    others = [name for name in params["students"] if method(results, name) in ("sngp", "duq")]
    assert others
    assert not [name for name in others if not any(alike(results, name, each, but=CHANGED) for each in plain)]


def test_a7_takes_mixing_on_top_of_the_same_augmentation(study, found):
    """Against majority votes mixed and unmixed: where people's votes give nothing, mixing cannot fail to give it."""
    assert {each.compared.split(": ")[0] for each in of(found, "A7")} == {
        "human (people's votes), against each of hard_mixed, hard"
    }
    (statement,) = {each.statement for each in of(found, "A7")}
    assert "to be supported only where people's labels beat their own unmixed twin (Laing, Soft CIFAR)." in statement
    root, params = study
    other = copy.deepcopy(params)
    other["students"]["hard_mixed"]["augment"][-1]["name"] = "soft_cifar"
    results = read(root, other)
    assert not of(soft_cifar.checks(study_of(results)), "A7")


def test_a4_is_one_row_over_all_variants(found):
    (only,) = of(found, "A4")
    assert re.fullmatch("each of 5 students with all others; hardest to beat: (human|hard)[a-z_]*", only.compared)
    assert only.higher is None
    assert np.isnan(only.effect)


def test_d1_and_d3_are_of_the_plain_reference_without_spectral_norm(study, results, found):
    assert of(found, "D1")  # "human" is the reference
    compared = {each.compared for each in of(found, "D1")}
    name = "density of human (people's votes), no spectral normalisation"
    assert compared == {f"{name} against its {score}" for score in ("entropy", "energy")} | {
        f"{name} against human_sngp's entropy"  # the fabricated one has no score of its own
    }
    densities = results.students["human"].novelty["ddu"]
    expected = np.mean([metrics.auroc(a, b) for a, b in zip(densities["test"], densities["ood_noise"], strict=True)])
    entropy = predictive_entropy
    logits = results.students["human"].logits
    pairs = zip(entropy(logits["test"]), entropy(logits["ood_noise"]), strict=True)
    expected -= np.mean([metrics.auroc(a, b) for a, b in pairs])
    far = [each for each in of(found, "D1") if each.metric == "AUROC, far sets" and each.compared.endswith("its entropy")]
    assert [each.effect for each in far] == [pytest.approx(expected)]

    normalised = copy.deepcopy(study[1])
    normalised["students"]["hard"]["network"]["options"]["spectral_norm"] = True
    again = read(study[0], normalised)
    rows = [each for each in of(ddu.checks(study_of(again)), "D1") if "human_sngp" not in each.students]
    assert {each.compared.split(" (")[0] for each in rows} == {"density of hard"}


def d1(study, params, changed=lambda numbers: numbers):
    whole = study_of(read(study[0], params))
    return of(ddu.checks(replace(whole, numbers=changed(whole.numbers))), "D1")


def test_d1_takes_a_method_that_only_other_labels_have_from_the_plain_student_of_those_labels(study):
    """The density's student learned from hard labels; SNGP did so from people's votes alone, whose plain twin meets it."""
    params = copy.deepcopy(study[1])
    params["report"]["reference"] = "hard"
    rows = [check for check in d1(study, params) if "human_sngp" in check.students]
    assert [check.students for check in rows] == [("human", "human_sngp")] * 2  # near and far
    assert all(check.compared.startswith("density of human (people's votes), no spectral normalisation") for check in rows)
    ours = [check for check in d1(study, study[1]) if "human_sngp" in check.students]
    assert len(ours) == 2  # as soon as the density's own labels have the method, only these
    params["students"]["human_sngp"]["epochs"] = 99
    assert not [check for check in d1(study, params) if "human_sngp" in check.students]


def test_d1_says_where_the_density_ranks_novel_images_as_less_novel(study):
    def low(numbers):
        chosen = (numbers["metric"] == "auroc") & (numbers["score"] == "ddu") & (numbers["set"] == "far")
        return numbers.assign(value=numbers["value"].where(~chosen, 0.25))

    words = "; the density ranks novel images as less novel than test images (AUROC 0.25)"
    assert {(check.metric, words in check.compared) for check in d1(study, study[1], low)} == {
        ("AUROC, near sets", False),
        ("AUROC, far sets", True),
    }


def test_d1_takes_entropy_and_energy_of_the_plain_twin(study):
    normalised = copy.deepcopy(study[1])
    normalised["students"]["hard"]["network"]["options"]["spectral_norm"] = True
    normalised["students"]["hard_mixed"] |= {"augment": normalised["students"]["hard"]["augment"], "labels": "hard"}
    rows = of(ddu.checks(study_of(read(study[0], normalised))), "D1")
    assert {check.compared.split(" against ")[1] for check in rows} >= {"hard_mixed's entropy", "hard_mixed's energy"}
    assert not any("its entropy" in check.compared for check in rows)


def test_d2_holds_each_disjoint_ensemble_against_its_own_members(study, found):
    rows = of(found, "D2")
    assert {each.metric for each in rows} == {"AUROC, near sets (margin 0.01)", "AUROC, far sets (margin 0.01)"}
    assert {(each.n, each.verdict) for each in rows} == {(1, "undecided")}  # one ensemble of all runs has no spread
    assert {each.reason for each in rows} == {"1 paired ensemble; a test takes 3"}

    two = copy.deepcopy(study[1])
    two["report"]["ensembles"] = 2
    results = read(study[0], two)
    table = numbers(results)
    table = table[(table["student"] == "human") & (table["metric"] == "auroc") & (table["set"] == "noise")]
    density = table[(table["kind"] == "run") & (table["score"] == "ddu")].set_index("seed")["value"]
    ensembles = table[(table["kind"] == "ensemble") & (table["score"] == "predictive_entropy")].set_index("seed")["value"]
    logits = results.students["human"].logits
    for number in range(2):
        members = [logits[name][number::2, 0] for name in ("test", "ood_noise")]
        expected = metrics.auroc(*(predictive_entropy(each) for each in members))
        assert ensembles[number] == pytest.approx(expected)
    far = [check for check in of(ddu.checks(study_of(results)), "D2") if "far" in check.metric and "entropy" in check.compared]
    expected = [density[[number, number + 2]].mean() - ensembles[number] for number in range(2)]
    assert list(far[0].against["predictive_entropy"]) == pytest.approx(expected)


def test_ambiguous_images_are_the_fifth_with_the_highest_entropy(results):
    chosen = ambiguous(results)
    entropy = metrics.entropy(results.part("test")["exact"])
    assert len(chosen) == round(0.2 * len(entropy))
    assert entropy[chosen].min() >= np.delete(entropy, chosen).max()
    table = numbers(results)
    values = table[(table["student"] == "human") & (table["kind"] == "run") & (table["metric"] == "auroc_ambiguous")]
    densities = results.students["human"].novelty["ddu"]
    expected = [metrics.auroc(a[chosen], b) for a, b in zip(densities["test"], densities["ood_noise"], strict=True)]
    shown = values[(values["set"] == "noise") & (values["score"] == "ddu")]["value"]
    assert list(shown) == pytest.approx(expected)


def test_soft_cifar_numbers_stand_beside_ours(study):
    root, params = study
    params = copy.deepcopy(params)
    params["datasets"]["drawn"]["source"] = "cifar10"
    params["data"]["protocol"] = "cifar10h"
    for options in params["students"].values():
        options["network"]["name"] = "resnet20"
        options["augment"][0] = {"name": "soft_cifar", "options": {}}
    params["students"]["human_sngp"]["network"]["options"]["spectral_norm"] = True
    results = read(root, params)
    frame = published(study_of(results)).frame
    assert set(frame["student"]) == set(STUDENTS) - {"hard_mixed"}  # mixed always, where the published one is in 15 %
    shown = row(frame, student="human")
    assert shown["published_as"] == "Laing, Soft CIFAR: people's votes, augmented by soft_cifar"
    assert shown["true_class_ece_published"] == 0.0905
    labels = results.part("test")["labels"]
    expected = runs(results, "human", lambda probs: metrics.true_class_calibration_error(probs, labels)).mean()
    assert shown["true_class_ece"] == pytest.approx(expected)
    assert shown["svhn_predictive_entropy"] is None  # this study has no SVHN
    assert row(frame, student="human_sngp")["accuracy_published"] == 0.8080
