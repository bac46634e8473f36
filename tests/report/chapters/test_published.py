"""Our numbers beside the published ones: whom they fit, and that ours are the long table's."""

import copy

import pytest

from softcifar.params.sections import Student
from softcifar.report.chapters.published.literature import PUBLISHED, REMARKS
from softcifar.report.chapters.published.table import matches, table
from softcifar.report.core.study import Study
from tests.report.fixture import read, row, study_of


@pytest.fixture(scope="module")
def mnist(study) -> Study:
    """The study as if it were one of MNIST with MLPs, as in the label relaxation paper."""
    root, params = study
    params = copy.deepcopy(params)
    params["datasets"]["drawn"]["source"] = "mnist"
    for options in params["students"].values():
        options |= {"augment": [], "epochs": 5, "batch_size": 64, "lr": 0.05}
        options["network"]["name"] = "mlp"
    return study_of(read(root, params))


def test_published_rows_find_our_students(mnist):
    found = {(published.choose_by, published.source, published.loss): student for published, student in matches(mnist.results)}
    assert found == {
        ("accuracy", "hard", "cross_entropy"): "hard",
        ("accuracy", "uniform", "cross_entropy"): "smooth",
        ("accuracy", "hard", "label_relaxation"): "relaxed",
        ("ece", "hard", "cross_entropy"): "hard",
        ("ece", "uniform", "cross_entropy"): "smooth",
        ("ece", "hard", "label_relaxation"): "relaxed_ece",
    }


@pytest.mark.parametrize("option", ["dropout", "spectral_norm", "mod"])
def test_a_changed_network_is_not_the_published_one(mnist, option):
    results = copy.deepcopy(mnist.results)
    for student in results.students.values():
        student.options["network"]["options"][option] = 0.1 if option == "dropout" else True
    assert matches(results) == []


def test_the_fast_network_stands_for_the_one_network_of_a_published_study(study):
    """Soft CIFAR has ResNet-20 alone on CIFAR-10, Mukhoti et al. have several networks there, for which nothing stands."""
    root, params = study
    params = copy.deepcopy(params)
    params["datasets"]["drawn"]["source"] = "cifar10"
    params["data"]["protocol"] = "cifar10h"
    for options in params["students"].values():
        options["network"] = {"name": "airbench", "options": {}}
        options["augment"] = [{"name": "crop_flip", "options": {"padding": 2}}]
    fast = study_of(read(root, params))
    found = [(row, name) for row, name in matches(fast.results) if name == "human"]
    assert [(row.study, row.network, row.augment) for row, _ in found] == [("Laing, Soft CIFAR", "resnet20", ["soft_cifar"])]
    beside = row(table(fast).frame, student="human")
    assert "network airbench (resnet20), augment crop_flip (soft_cifar)" in beside["settings_that_differ"]
    for options in params["students"].values():
        options["network"]["name"] = "resnet8"
    assert matches(read(root, params)) == []


@pytest.fixture(scope="module")
def cropped(study):
    """cropped(step, ...): the published accuracies that a student of CIFAR-100 with these steps stands beside."""
    root, params = study
    params = copy.deepcopy(params)
    params["datasets"]["drawn"]["source"] = "cifar100"
    results = read(root, params)

    def accuracies(*augment: dict) -> list[float]:
        for options in (student.options for student in results.students.values()):
            options["augment"] = list(augment)
            options["network"]["name"] = "resnet18"
        return [row.numbers["accuracy"] for row, name in matches(results) if name == "hard"]

    return accuracies


def test_a_published_crop_is_that_of_its_own_reach(cropped):
    """22.99 % of errors are of uniform crops up to 16 pixels, not of the soft student's crops with hard labels."""

    def step(name: str, **options) -> dict:
        return {"name": name, "options": options}

    assert cropped(step("crop_flip", padding=4, flip=0.5)) == [0.792]
    assert cropped(step("crop_flip", padding=16, flip=0.5)) == [0.7701]
    assert cropped(step("crop_flip", padding=8, flip=0.5)) == []
    assert cropped(step("soft_crop", sigma=0.375, k=2.0, mode="published", flip=0.5)) == [0.8169]
    assert cropped(step("soft_crop", sigma=0.375, k=2.0, mode="target_and_weight", flip=0.5)) == []
    assert cropped(step("soft_crop", sigma=0.375, k=2.0, mode="hard", flip=0.5)) == []
    assert cropped(step("crop_flip", padding=4, flip=0.5), step("randaugment", ops=2, magnitude=9)) == []


def test_mixing_at_peoples_entropy_is_not_the_published_mixing():
    published = [
        step for row in PUBLISHED for step in row.augment if not isinstance(step, str) and step["name"] in ("mixup", "cutmix")
    ]
    assert len(published) == 8
    assert {step["q"] for step in published} == {0.15}


def test_ours_stands_beside_the_published_number(mnist):
    frame, numbers = table(mnist).frame, mnist.numbers
    plain = row(frame, published_as="Lienen & Hüllermeier 2021: hard labels, tuned for accuracy", student="hard")
    scaled = row(frame, published_as="Lienen & Hüllermeier 2021: hard labels, tuned for ECE, temperature scaling")
    runs = numbers[(numbers["student"] == "hard") & (numbers["kind"] == "run") & (numbers["set"] == "test")]
    assert plain["ece"] == pytest.approx(runs[runs["metric"] == "ece"]["value"].mean())
    assert scaled["ece"] == pytest.approx(runs[runs["metric"] == "ece_scaled"]["value"].mean())
    assert (plain["ece_published"], scaled["ece_published"], plain["accuracy_published"]) == (0.010, 0.003, 0.985)
    assert plain["n"] == 3
    assert "epochs 5 (25)" in plain["settings_that_differ"]
    assert "runs 3 (10)" in plain["settings_that_differ"]
    assert "batch_size" not in plain["settings_that_differ"]
    assert "milestones – (25, 40)" in plain["settings_that_differ"]
    assert "refit False (True)" in plain["settings_that_differ"]


def test_every_published_setting_is_one_that_a_study_has():
    """A key that no study knows would differ everywhere."""
    sizes = {"train", "validation", "test", "refit", "runs"}
    assert {key for row in PUBLISHED for key in row.settings} <= set(Student.model_fields) | sizes


def test_no_published_number_without_a_match(study):
    results = read(*study)
    assert matches(results) == []
    assert table(study_of(results)).rows == []


def test_published_numbers_are_proportions_with_a_known_study():
    for published in PUBLISHED:
        assert 0.6 < published.numbers["accuracy"] < 1
        assert all(0 < value < 1 for name, value in published.numbers.items() if name != "nll" and "nll" not in name)
        assert published.study in REMARKS
