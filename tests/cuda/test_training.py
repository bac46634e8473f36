"""Training on the device: it learns, twice the same, and a run that was stopped goes on as if it had not been."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from softcifar.labels import LABEL_SOURCES
from softcifar.labels.source import inputs
from softcifar.losses import LOSSES
from softcifar.methods import METHODS
from softcifar.methods.prediction import describe, predict_logits
from softcifar.models.classifier import classifier
from softcifar.params.sections import LabelSource
from softcifar.training import compiled
from softcifar.training.distill import taught_by
from softcifar.training.loop import Task, train
from softcifar.training.online import online_loss
from tests.cuda.helpers import (
    ADAM,
    AIRBENCH,
    DEVICE,
    MANIFEST,
    PACKED,
    VALIDATION,
    Stopped,
    differing,
    recipe,
    task,
    trained,
)

DUQ = {"name": "duq", "embedding": 16, "length_scale": 0.3, "momentum": 0.9, "gradient_penalty": 0.2}
OPTIONS = {
    "mc_dropout": {"method": {"name": "mc_dropout", "samples": 3}, "network": {**AIRBENCH, "dropout": 0.2}},
    "mc_filter_dropout": {
        "method": {"name": "mc_filter_dropout", "samples": 3},
        "network": {**AIRBENCH, "dropout": 0.2},
    },
    "sngp_moving_average": {"method": {"name": "sngp_moving_average", "features": 64, "momentum": 0.5}},
    "sngp": {
        "method": {"name": "sngp", "features": 64, "mean_field": "fitted"},
        "network": {**AIRBENCH, "spectral_norm": True},
    },
    "duq": {"method": DUQ, "network": "resnet8", "epochs": 3},
    "swag": {"method": {"name": "swag", "start": 4, "every": 2, "rank": 3, "samples": 3}},
    "packed": {"method": "packed", "network": PACKED},
}
BY_METHOD = {name: OPTIONS.get(name, {"method": name}) for name in METHODS} | {
    "sngp, softmax likelihood": {"method": {"name": "sngp", "features": 64, "likelihood": "softmax"}},
    "duq on airbench": {"method": DUQ, "network": {**AIRBENCH, "residual": True, "spectral_norm": True}, "epochs": 3},
    "laplace, drawn": {"method": {"name": "laplace", "hessian": "kronecker", "samples": 5}},
    "test_time_averaging, mirror": {"method": {"name": "test_time_averaging", "views": "mirror"}},
}
RECIPES = {
    "adam": ADAM,
    "adamw": {**ADAM, "decoupled": True, "weight_decay": 0.01},
    "sgd": {"momentum": 0, "nesterov": False},
    "momentum": {"nesterov": False},
    "decoupled": {"decoupled": True},
    "norm_bias_lr": {"norm_bias_lr": 8.0},
    "norm_bias_lr, decoupled adam": {**ADAM, "norm_bias_lr": 8.0, "decoupled": True},
    "norm_scale": {"network": {**AIRBENCH, "norm_scale": True}, "norm_bias_lr": 8.0},
    "lookahead": {"lookahead": {"every": 3, "decay": 0.9}},
    "lookahead, adam": {**ADAM, "lookahead": {"every": 3, "decay": 0.9}},
    "linear": {"schedule": "linear", "warmup": 0.5, "warmup_from": 0.2},
    "multistep": {"schedule": "multistep", "milestones": [1]},
    "constant, decay": {"schedule": "constant", "decay": 0.01},
    "alternate flips": {"augment": [{"name": "crop_flip", "flip": "alternate", "fill": "reflect", "padding": 2}]},
    "finetune": {"augment": ["trivialaugment"], "finetune": 1, "finetune_augment": ["crop_flip"]},
    "best": {"checkpoint": "best"},
    "patience": {"checkpoint": "best", "patience": 2},
    "mixed": {"augment": ["crop_flip", "mixup", "cutmix"]},
    "soft": {"augment": ["soft_crop", "soft_noise"]},
    "colours": {"augment": ["soft_cifar", "randaugment"]},
    "erased": {"augment": ["shift_flip", "random_erasing", "cutout"]},
    "airbench's own": {
        "augment": [{"name": "crop_flip", "flip": "alternate", "fill": "reflect", "padding": 2}], "schedule": "linear",
        "warmup": 0.5, "warmup_from": 0.2, "decoupled": True, "norm_bias_lr": 16.0, "lookahead": {"every": 3, "decay": 0.9},
    },
    "dropout": {"network": {**AIRBENCH, "dropout": 0.2}},
    "stochastic depth": {"network": "resnet110_sd", "epochs": 1},
    "pooled": {"network": "shallow"},
    "densely connected": {"network": "densenet_bc_40_12", "epochs": 1},
}  # fmt: skip
SLOW_TO_LEARN = ("stochastic depth", "densely connected", "sgd", "colours", "soft", "mixed", "erased")
PRECISIONS = ("float32", "auto")


def checked(work: Task, tmp_path, *, learns: bool = True):
    """The state of a run: finite, on the CPU, above chance, and the same when it trains again."""
    one, two = (trained(work, tmp_path / name) for name in ("one", "two"))
    assert all(np.isfinite(list(row.values())).all() for row in one.history)
    assert {tensor.device.type for tensor in one.best.values()} == {"cpu"}
    assert all(tensor.isfinite().all() for tensor in one.best.values())
    assert one.history == two.history
    assert differing(one, two) == []
    if learns:
        assert max(row["validation_accuracy"] for row in one.history) > 0.5
    return one


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", BY_METHOD)
def test_every_method_learns_and_predicts(name, precision, tmp_path):
    work = task(**BY_METHOD[name], precision=precision)
    state = checked(work, tmp_path, learns="duq" not in name)
    network = classifier(work.recipe.network, MANIFEST, seed=0, method=work.recipe.method).to(DEVICE)
    network.load_state_dict(state.best)
    images, method = VALIDATION.images, work.recipe.method
    logits = predict_logits(network, images, method, batch_size=25, seed=3)
    assert np.isfinite(logits).all()
    assert (logits.mean(axis=0).argmax(axis=1) == VALIDATION.labels).mean() > 0.5
    again, features, own = describe(network, images, method, batch_size=25, seed=3)
    np.testing.assert_array_equal(again, logits)
    assert all(np.isfinite(each).all() for each in (features, *own.values()))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", RECIPES)
def test_every_part_of_a_recipe_trains(name, precision, tmp_path):
    checked(task(**RECIPES[name], precision=precision), tmp_path, learns=name not in SLOW_TO_LEARN)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains(name, tmp_path):
    work = task()  # a task's own loss, None here, goes before the recipe's
    mixed = recipe(loss=name, augment=["crop_flip", "mixup"], precision="auto")
    checked(dataclasses.replace(work, recipe=mixed), tmp_path, learns=False)


RESUMED = {
    **{f"method {name}": changes for name, changes in BY_METHOD.items() if "," not in name},
    **{name: RECIPES[name] for name in ("adam", "adamw", "momentum", "norm_bias_lr", "lookahead", "lookahead, adam", "best")},
    **{name: RECIPES[name] for name in ("alternate flips", "airbench's own", "mixed", "dropout", "pooled")},
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", RESUMED)
def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(name, precision, tmp_path):
    work = task(**RESUMED[name], precision=precision)
    whole = trained(work, tmp_path / "whole")

    def stop(epochs: int, text: str, rows: list[dict]) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train(work, DEVICE, tmp_path / "stopped", stop)
    resumed = trained(work, tmp_path / "stopped")
    assert len(resumed.history) == work.recipe.epochs
    assert resumed.history == whole.history
    assert differing(resumed, whole) == []


def test_a_finished_run_of_the_device_is_read_again(tmp_path):
    one = trained(task(), tmp_path / "state")
    assert differing(trained(task(), tmp_path / "state"), one) == []


def test_more_images_per_epoch_than_there_are(tmp_path):
    checked(dataclasses.replace(task(), images_per_epoch=250), tmp_path)


def test_without_validation_images(tmp_path):
    work = dataclasses.replace(task(), validation_images=None, validation_labels=None)
    assert differing(trained(work, tmp_path / "one"), trained(work, tmp_path / "two")) == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_shallow_student_learns_from_a_teacher(precision, tmp_path):
    teacher = trained(task(), tmp_path / "teacher")
    network = classifier(task().recipe.network, MANIFEST, seed=0).to(DEVICE, memory_format=torch.channels_last)
    network.load_state_dict(teacher.best)
    loss = taught_by(network, precision, alpha=0.9, temperature=4.0)
    checked(task(loss, network="shallow", **ADAM, precision=precision), tmp_path)


@pytest.mark.parametrize("source", [name for name in LABEL_SOURCES if "student_logits" in inputs(LABEL_SOURCES[name])])
def test_labels_made_during_training(source, tmp_path):
    made = LabelSource.model_validate({"source": source})
    for precision in PRECISIONS:
        loss = online_loss(recipe(), made, "a")
        checked(task(loss, precision=precision), tmp_path / precision)


def test_bfloat16_is_near_float32_and_not_the_same(tmp_path):
    low, high = (trained(task(precision=each), tmp_path / each) for each in ("bfloat16", "float32"))
    assert differing(low, high)
    assert low.history[0]["train_loss"] == pytest.approx(high.history[0]["train_loss"], rel=0.05)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, compiled.COMPILERS)), reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["plain", "airbench's own", "dropout", "sngp"])
def test_a_compiled_network_learns_the_same(name, precision, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "programs"))
    changes = {"plain": {}, "sngp": BY_METHOD["sngp, softmax likelihood"], **RECIPES}[name] | {"precision": precision}
    state = checked(task(**changes, compile=True), tmp_path)
    plain = trained(task(**changes), tmp_path / "plain")
    assert state.history[0]["train_loss"] == pytest.approx(plain.history[0]["train_loss"], rel=0.2)
