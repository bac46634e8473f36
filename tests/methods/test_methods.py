"""What holds for every uncertainty method."""

import numpy as np
import pytest
import torch

from softcifar.evaluation.evaluate import evaluate
from softcifar.files import write_npz
from softcifar.methods import METHODS
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Seeds, Student
from softcifar.training.loop import train
from tests.evaluation.helpers import SETTINGS
from tests.methods.helpers import DUQ_SMALL, LAPLACE, MANIFEST, MOVING_AVERAGE, SNGP_SMALL, chosen
from tests.training.helpers import CPU, SMALL, Killed, make_task, no_progress, run_student, same

TRAINED = pytest.mark.parametrize("method", [SNGP_SMALL, MOVING_AVERAGE, DUQ_SMALL, LAPLACE], ids=lambda method: method["name"])


@pytest.mark.parametrize("name", METHODS)
def test_a_plain_pass_changes_nothing(name):
    """Whatever a method does, the plain network's initial weights are drawn before."""
    body = Chosen(name="resnet8", options={"dropout": 0.1} if name == "mc_filter_dropout" else {})
    plain = classifier(body, MANIFEST, seed=3)
    options = {"start": 1} if name == "swag" else {}
    network = classifier(body, MANIFEST, seed=3, method=Chosen(name=name, options=options))
    assert torch.equal(plain.network.stem.weight, network.network.stem.weight)


@TRAINED
def test_it_learns_two_easy_classes_and_is_sure_of_them(splits, tmp_path, method):
    state = train(make_task(splits, method=method, epochs=5), CPU, tmp_path / "state", no_progress)
    assert state.history[-1]["validation_accuracy"] == 1.0
    resolved = chosen(method)
    network = classifier(Chosen(name="resnet8"), splits[2], seed=0, method=resolved)
    network.load_state_dict(state.best)
    network.eval()
    images = torch.as_tensor(splits[1].images).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        uncertainty = METHODS[method["name"]](**resolved.options)
        confidence = uncertainty.predict(network, images)[0].softmax(dim=1).amax(dim=1)
        known = uncertainty.scores(network, images)
        novel = uncertainty.scores(network, torch.rand(20, 3, 32, 32))
    assert confidence.max() > 0.85
    assert len(known) == (method["name"] != "laplace")  # which has no score of its own
    assert all(known[name].mean() < novel[name].mean() for name in known)


@TRAINED
def test_soft_and_mixed_targets_work(splits, tmp_path, method):
    state = train(make_task(splits, method=method, augment=["crop_flip", "mixup"], epochs=2), CPU, tmp_path / "s", no_progress)
    assert np.isfinite([row["train_loss"] for row in state.history]).all()


@TRAINED
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(splits, tmp_path, method):
    task = make_task(splits, method=method, epochs=2)
    whole = train(task, CPU, tmp_path / "whole", no_progress)

    def kill(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    assert same(train(task, CPU, tmp_path / "killed", no_progress).best, whole.best)


@TRAINED
def test_a_student_is_trained_and_evaluated_with_its_method(splits, tmp_path, method):
    out, _, about = run_student(splits, tmp_path, "one", epochs=1, method=method)
    assert about["method"]["name"] == method["name"]
    train_split, validation, manifest = splits
    for name, split in (("train", train_split), ("validation", validation), ("test", validation)):
        write_npz(tmp_path / f"study/{name}.npz", images=split.images, labels=split.labels, index=split.index)
    evaluate(
        "one",
        Student.model_validate({**SMALL, "labels": "hard", "method": method}).method,
        Seeds(runs=2, search=1, init=0, order=0),
        SETTINGS,
        study=tmp_path / "study",
        ood={},
        manifest=manifest,
        models=out,
        surrogates={},
        corrupted={},
        out=tmp_path / "scores",
    )
    names = np.load(tmp_path / "scores/novelty.npz")["names"].tolist()
    own = {"duq": ["kernel"], "laplace": []}.get(method["name"], ["variance"])
    assert names == ["ddu", "mahalanobis", *own]


def test_what_only_predicts_trains_the_same_network(splits, tmp_path):
    dropout = {"name": "resnet8", "dropout": 0.2}
    plain, _, _ = run_student(splits, tmp_path, "plain", epochs=1, network=dropout)
    sampled, _, about = run_student(
        splits, tmp_path, "mc", epochs=1, network=dropout, method={"name": "mc_dropout", "samples": 3}
    )
    assert (plain / "run_0.safetensors").read_bytes() == (sampled / "run_0.safetensors").read_bytes()
    assert about["method"] == {"name": "softmax", "options": {}}
