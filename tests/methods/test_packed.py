"""Packed ensembles: the mean loss of members that each predict, and which networks go with them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from softcifar.methods.packed import Packed
from softcifar.methods.prediction import describe, predict_logits
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.options import problems
from softcifar.params.sections import Distillation, Student
from softcifar.training.loop import train
from tests.methods.helpers import MANIFEST
from tests.training.helpers import CPU, DISTILLATION, SMALL, make_task, no_progress

OPTIONS = {"members": 4, "alpha": 2.0, "width1": 8, "width2": 16, "width3": 16}
NETWORK, METHOD = {"name": "packed_airbench", **OPTIONS}, Chosen(name="packed")


def packed() -> torch.nn.Module:
    manifest = {**MANIFEST, "covariance": np.eye(12).tolist()}
    return classifier(Chosen(name="packed_airbench", options=OPTIONS), manifest, seed=0, method=METHOD)


def test_the_loss_is_the_mean_of_the_members():
    network, pixels, targets = packed(), torch.rand(6, 3, 32, 32), torch.rand(6, 2).softmax(dim=1)
    logits = network(pixels)

    def base(seen: torch.Tensor, given: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        assert seen is pixels
        return F.cross_entropy(given, wanted, reduction="none")

    expected = (
        F.cross_entropy(logits.flatten(0, 1), targets.repeat_interleave(4, dim=0), reduction="none").view(6, 4).mean(dim=1)
    )
    torch.testing.assert_close(Packed().loss(network, pixels, logits, targets, base), expected)


def test_every_member_is_a_sample_of_the_prediction():
    network, images = packed().eval(), np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    logits, features, own = describe(network, images, METHOD, batch_size=4, seed=0)
    assert (logits.shape, features.shape, own) == ((4, 7, 2), (7, 32), {})
    assert not np.allclose(logits[0], logits[1])
    alone = predict_logits(network, images, Chosen(name="softmax"), batch_size=4, seed=0)
    mean = torch.tensor(logits).softmax(dim=2).mean(dim=0)
    torch.testing.assert_close(torch.tensor(alone[0]).exp(), mean)


def test_it_learns(splits, tmp_path):
    splits[2]["covariance"] = np.eye(12).tolist()
    state = train(make_task(splits, network=NETWORK, method="packed", lr=0.2, epochs=4), CPU, tmp_path / "state", no_progress)
    assert state.history[-1]["validation_accuracy"] > 0.9


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"network": "resnet8", "method": "packed"},
         "method: found packed with network resnet8; allowed there: a network of members (packed_airbench)"),
        ({"network": NETWORK},
         "method: found softmax with network packed_airbench; allowed there: method: packed, which trains members"),
        ({"network": {**NETWORK, "members": 3}, "method": "packed"},
         "network packed_airbench: found 72 channels of first convolutions and widths 8, 16, 16 times alpha 2; allowed: "
         "multiples of 3 (members 3 times gamma 1)"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_said(changes, sentence):
    with pytest.raises(ValidationError) as raised:
        Student.model_validate({**SMALL, "labels": "hard", **changes})
    assert [text for _, text in problems(raised.value)] == [sentence]


def test_a_shallow_student_has_no_members():
    with pytest.raises(ValidationError) as raised:
        Distillation.model_validate({**DISTILLATION, "network": NETWORK, "method": "packed"})
    assert "network: found packed_airbench, which has members" in problems(raised.value)[0][1]
