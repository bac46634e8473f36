"""Distillation: the shallow network learns what the student says of the very same images, resumably, and leaves its scores."""

import contextlib
import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from softcifar.errors import UserError
from softcifar.models.classifier import Classifier, classifier
from softcifar.params import study as params
from softcifar.params.chosen import Chosen
from softcifar.pipeline.plan import STAGES, entries
from softcifar.training.distill import taught_by
from softcifar.training.loop import train
from softcifar.training.trained import load_classifier
from tests.conftest import ROOT
from tests.training.helpers import CPU, Killed, contents, make_task, no_progress, run_distillation, same, write_student


@pytest.fixture
def student(tmp_path, splits):
    write_student(tmp_path / "a", splits[2])
    return tmp_path / "a"


@contextlib.contextmanager
def watched(see):
    """Call see(classifier, pixels) before any classifier looks at a batch."""
    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, inputs: see(module, inputs[0]) if isinstance(module, Classifier) else None
    )
    try:
        yield
    finally:
        hook.remove()


def test_the_teacher_sees_the_very_same_augmented_batch(splits, student):
    seen = []
    with watched(lambda network, pixels: seen.append((network, network.training, pixels.clone()))):
        run_distillation(splits, student, augment=["crop_flip", {"name": "mixup", "alpha": 1.0}])
    steps = [number for number, (_, training, _) in enumerate(seen) if training]
    assert len(steps) == 2 * 3 * 4  # runs, epochs, batches of 16 from 60 images
    for number in steps:
        (learner, _, pixels), (teacher, teacher_training, shown) = seen[number : number + 2]
        assert teacher is not learner
        assert not teacher_training
        assert torch.equal(pixels, shown)
    assert not torch.equal(seen[steps[0]][2], seen[steps[4]][2])  # augmented: another batch every epoch


def test_every_run_learns_from_the_students_run_of_that_number(splits, student):
    shown: list[Classifier] = []

    def see(network, _):
        if not network.training and network.network.__class__.__name__ == "ResNet" and network not in shown:
            shown.append(network)

    with watched(see):
        run_distillation(splits, student)
    assert len(shown) == 2
    for number, network in enumerate(shown):
        assert same(dict(network.state_dict()), load_file(student / f"run_{number}.safetensors"))  # and is not trained


def test_with_alpha_1_it_says_what_the_teacher_says_whatever_the_labels(tmp_path, splits):
    def always_the_first(_, weights):
        weights["network.head.weight"].zero_()
        weights["network.head.bias"].copy_(torch.tensor([5.0, -5.0]))

    write_student(tmp_path / "a", splits[2], change=always_the_first)
    _, scores = run_distillation(splits, tmp_path / "a", alpha=1.0, temperature=1.0, epochs=6)
    logits = np.load(scores / "logits.npz")["validation"]
    assert (logits.argmax(axis=-1) == 0).all()
    # Learned from the labels alone it tells the two classes apart.
    _, scores = run_distillation(splits, tmp_path / "a", alpha=0.0, epochs=6)
    logits = np.load(scores / "logits.npz")["validation"]
    assert (logits.argmax(axis=-1) == splits[1].labels).mean() > 0.9


@pytest.mark.parametrize("augment", [[], ["crop_flip", "mixup"]])
def test_alpha_0_is_ordinary_training_on_hard_labels(splits, student, tmp_path, augment):
    teacher = load_classifier(student / "run_0.safetensors", Chosen(name="resnet8"), splits[2], CPU)
    ordinary = make_task(splits, epochs=2, augment=augment, network="shallow")
    taught = dataclasses.replace(ordinary, loss=taught_by(teacher, "float32", alpha=0.0, temperature=4.0))
    one = train(ordinary, CPU, tmp_path / "one", no_progress)
    two = train(taught, CPU, tmp_path / "two", no_progress)
    for name, tensor in one.best.items():
        torch.testing.assert_close(tensor, two.best[name], rtol=1e-4, atol=1e-5)
    assert not same(one.best, train(dataclasses.replace(ordinary, order=5), CPU, tmp_path / "x", no_progress).best)


def test_a_teacher_with_dropout_makes_one_deterministic_pass(tmp_path, splits):
    """Weights do not tell dropout: with and without it the same network teaches the same."""
    plain, dropping = tmp_path / "plain/a", tmp_path / "dropping/a"
    write_student(plain, splits[2])
    write_student(dropping, splits[2], network={"name": "resnet8", "options": {"dropout": 0.5}})
    assert contents(*run_distillation(splits, plain)) == contents(*run_distillation(splits, dropping))


def test_what_it_leaves(splits, student):
    _, validation, manifest = splits
    out, scores = run_distillation(splits, student)
    assert sorted(path.name for path in out.iterdir()) == [
        "about.json", "history.csv", "run_0.safetensors", "run_1.safetensors"
    ]  # fmt: skip
    assert sorted(path.name for path in scores.iterdir()) == ["about.json", "history.csv", "logits.npz"]
    about, history = json.loads((scores / "about.json").read_text()), pd.read_csv(scores / "history.csv")
    assert {key: about[key] for key in ("student", "seeds", "alpha", "temperature", "parameters")} == {
        "student": "a", "seeds": [0, 1], "alpha": 0.9, "temperature": 4.0,
        "parameters": sum(p.numel() for p in classifier(Chosen(name="shallow"), manifest, seed=0).parameters()),
    }  # fmt: skip
    assert len(history) == 2 * 3
    # The epoch kept is the one with the lowest validation NLL, and the logits are those of its weights.
    assert history.epoch[history.groupby("seed").validation_nll.idxmin()].tolist() == about["best_epochs"]
    logits = np.load(scores / "logits.npz")
    assert {name: (logits[name].shape, logits[name].dtype.name) for name in logits.files} == {
        "validation": ((2, 1, 20, 2), "float32"), "test": ((2, 1, 7, 2), "float32")
    }  # fmt: skip
    for number in range(2):
        network = load_classifier(out / f"run_{number}.safetensors", Chosen(**about["network"]), manifest, CPU)
        pixels = torch.as_tensor(validation.images).permute(0, 3, 1, 2) / 255
        np.testing.assert_allclose(logits["validation"][number, 0], network(pixels).detach().numpy(), atol=1e-4)
    chosen = history[history.epoch == np.repeat(about["best_epochs"], 3)]
    log_probs = torch.log_softmax(torch.as_tensor(logits["validation"][:, 0]), dim=-1).numpy()
    nll = -log_probs[:, np.arange(20), validation.labels].mean(axis=1)
    np.testing.assert_allclose(chosen.validation_nll, nll, rtol=1e-4)


@pytest.mark.parametrize("after", [7, 21])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(splits, student, after):
    """Killed in the second epoch of run 0, and in the last of run 1; of 2 x 3 x 4 batches no whole epoch is trained again."""
    whole = contents(*run_distillation(splits, student, "whole", store="other"))
    count = 0

    def count_and_kill(network, _):
        nonlocal count
        count += network.training
        if count == after:
            raise Killed

    with pytest.raises(Killed), watched(count_and_kill):
        run_distillation(splits, student, "killed")
    assert not (student.parent / "killed").exists()
    torch.rand(3)  # whatever happened in between
    trained = []
    with watched(lambda network, _: trained.append(network.training)):
        resumed = contents(*run_distillation(splits, student, "killed"))
    assert resumed == whole
    assert sum(trained) == 24 - 4 * ((after - 1) // 4)


def test_the_same_again_trains_nothing_and_other_weights_teach_anew(splits, student):
    one = contents(*run_distillation(splits, student))
    trained = []
    with watched(lambda network, _: trained.append(network.training)):
        two = contents(*run_distillation(splits, student, "two"))
    assert one == two
    assert sum(trained) == 0
    (student / "run_0.safetensors").write_bytes((student / "run_1.safetensors").read_bytes())
    three = contents(*run_distillation(splits, student, "three"))
    assert three["models/run_0.safetensors"] != one["models/run_0.safetensors"]
    assert three["models/run_1.safetensors"] == one["models/run_1.safetensors"]


def test_a_missing_run_of_the_student_leaves_nothing_behind(splits, student):
    (student / "run_1.safetensors").unlink()
    with pytest.raises(UserError, match=r"run_1\.safetensors: not found; run its train stage"):
        run_distillation(splits, student)
    assert not (student.parent / "one").exists()


def test_a_loss_that_is_no_longer_finite_names_student_and_run(splits, student):
    with pytest.raises(UserError, match="shallow student of a, run 0: the loss is no longer finite in epoch 1"):
        run_distillation(splits, student, lr=1000, weight_decay=100, optimizer="sgd")
    assert not (student.parent / "one").exists()


TAUGHT = {"students": {"hard": None}, "alpha": 0.9, "temperature": 20, "network": "shallow", "optimizer": "adam", "momentum": 0,
          "nesterov": False, "lr": 0.001}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"students": {"hrad": None}}, r"distillation\.students: there is no 'hrad'; did you mean 'hard'"),
        ({"temperature": 0}, r"distillation\.temperature: found 0; input should be greater than 0"),
        ({"alpha": 1.5}, r"distillation\.alpha: found 1.5; input should be less than or equal to 1"),
        ({"tau": 1}, r"distillation: unknown key 'tau'"),
        ({"network": "shalow"}, r"distillation\.network: .*did you mean 'shallow'"),
    ],
)
def test_wrong_params_are_one_sentence(write_params, changes, message):
    with pytest.raises(UserError, match=message):
        params.load(write_params({"distillation": TAUGHT | changes}))


class TestPlan:
    @pytest.fixture
    def study(self, write_params):
        return lambda changes: params.load(write_params({"distillation": dict(TAUGHT), **changes}))

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"distillation.temperature": 4}, {"distill/hard.json"}),
            ({"distillation.students": {"hard": None, "instance": None}}, {"distill/instance.json"}),
            ({"distillation.students": {}}, {"distill/hard.json"}),
            ({"distillation.loss": "label_relaxation"}, set()),  # not the loss that is used
            ({"students.hard.lr": 0.2}, {"train/hard.json"}),  # other weights, if any, are seen as data
        ],
    )
    def test_a_changed_key_changes_what_uses_it(self, study, code, changes, expected):
        before, after = (entries(study(each), ROOT, code) for each in ({}, changes))
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert changed == expected | {"report.json"}

    def test_code_is_that_of_both_networks_and_the_loss(self, study, code):
        _, methods = STAGES["distill"][0](study({"students.hard.network": "mlp"}), "hard")
        reached = {module for module, *_ in code.reached("stages.distill", methods)}
        used = {"models.shallow", "models.mlp", "losses.distillation", "training.distill", "training.adam", "augment.crop_flip"}
        assert {f"softcifar.{name}" for name in used} <= reached
        assert not {"softcifar.models.resnet", "softcifar.losses.label_relaxation"} & reached


@pytest.mark.slow
def test_the_stage_on_the_smoke_study(tmp_path, smoke_study):
    """What it left in scores/shallow, and what it says where something is missing."""
    workspace = smoke_study.copy(tmp_path / "study")
    folder = workspace.folder / "scores/shallow/hard"
    logits, test = np.load(folder / "logits.npz"), np.load(workspace.folder / "data/study/test.npz")
    assert logits["test"].shape == (2, 1, len(test["labels"]), 10)
    assert json.loads((folder / "about.json").read_text())["network"]["name"] == "shallow"
    assert (workspace.folder / "models/shallow/hard/run_1.safetensors").is_file()
    done = workspace.stage("distill", "instance", check=False)
    assert done.returncode == 2
    assert "there is no student in distillation.students 'instance'" in done.stderr
    for left in ("models/students/hard", "models/shallow", "scores/shallow"):
        shutil.rmtree(workspace.folder / left)
    done = workspace.stage("distill", "hard", check=False)
    assert done.returncode == 2
    assert "models/students/hard/about.json: not found" in done.stderr
    assert not (workspace.folder / "models/shallow").exists()
