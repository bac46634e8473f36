"""Dropout of whole filters: what it zeroes and scales, in training and in prediction, and what it leaves alone."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from softcifar.errors import UserError
from softcifar.methods.mc_dropout import MCDropout
from softcifar.methods.mc_filter_dropout import FilterDropout, MCFilterDropout
from softcifar.methods.prediction import predict_logits
from softcifar.models.classifier import Classifier, classifier
from softcifar.models.dropout import Dropout
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Student
from softcifar.training.loop import train
from tests.methods.helpers import MANIFEST
from tests.training.helpers import CPU, SMALL, Killed, make_task, no_progress, same

BODY = {"name": "resnet8", "dropout": 0.3}
METHOD = {"name": "mc_filter_dropout", "samples": 4}


def made(seed: int = 0, name: str = "mc_filter_dropout", **network: object) -> Classifier:
    body = Chosen(name=network.pop("network", "resnet8"), options={"dropout": 0.3, **network})
    return classifier(body, MANIFEST, seed=seed, method=Chosen(name=name))


def masks(activations: torch.Tensor, p: float) -> torch.Tensor:
    """bool (B, C): which channels are kept; checks that all others are 0 and these scaled by 1 / (1 - p)."""
    dropped = FilterDropout(p).train()(activations)
    kept = dropped.flatten(2).abs().amax(dim=2) > 0
    torch.testing.assert_close(dropped, activations / (1 - p) * kept[:, :, None, None])
    return kept


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_whole_channels_are_zeroed_and_the_others_scaled(layout):
    torch.manual_seed(0)
    activations = (torch.rand(100, 50, 3, 4) + 0.1).contiguous(memory_format=layout)
    kept = masks(activations, 0.3).double()
    assert kept.mean().item() == pytest.approx(0.7, abs=4 * (0.21 / 5000) ** 0.5)
    for axis in (0, 1):  # drawn anew for every image and every channel
        assert 0.5 < kept.mean(dim=axis).std() / (0.21 / kept.shape[axis]) ** 0.5 < 1.5
    assert FilterDropout(0.3).train()(activations).is_contiguous(memory_format=layout)


def test_units_without_height_and_width_are_zeroed_one_by_one():
    torch.manual_seed(0)
    dropped = FilterDropout(0.25).train()(torch.ones(200, 100))
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (dropped == 0).double().mean().item() == pytest.approx(0.25, abs=4 * (0.1875 / 20_000) ** 0.5)


def test_evaluation_drops_nothing():
    activations = torch.rand(2, 3, 4, 4)
    assert torch.equal(FilterDropout(0.5).eval()(activations), activations)


@pytest.mark.parametrize(
    ("network", "options"),
    [("resnet8", {}), ("convnet", {}), ("vgg16_dropout", {}), ("airbench", {"width1": 32, "width2": 32, "width3": 32})],
)
def test_every_dropout_of_a_network_becomes_filterwise_and_the_weights_stay(network, options):
    manifest = MANIFEST | {"covariance": np.eye(12).tolist()}
    body = Chosen(name=network, options={"dropout": 0.3, **options})
    plain = classifier(body, manifest, seed=0)
    ours = classifier(body, manifest, seed=0, method=Chosen(name="mc_filter_dropout"))
    assert same(dict(plain.state_dict()), dict(ours.state_dict()))
    assert type(ours.network.head) is type(plain.network.head)
    counts = [sum(type(module) is kind for module in each.modules()) for each, kind in
              ((plain, Dropout), (ours, Dropout), (ours, FilterDropout))]  # fmt: skip
    assert counts[0] == counts[2] > 0
    assert counts[1] == 0
    pixels = torch.rand(2, 3, 32, 32)
    assert torch.equal(plain.eval()(pixels), ours.eval()(pixels))


def test_samples_of_a_prediction_drop_filters():
    """In the network that is asked: every channel is 0 or scaled, in each pass anew, and afterwards none."""
    network, seen = made().eval(), []
    for module in network.modules():
        if isinstance(module, FilterDropout):
            module.register_forward_hook(lambda _, given, out: seen.append((given[0].clone(), out.clone())))
    pixels = torch.rand(5, 3, 32, 32)
    logits = MCFilterDropout(samples=3).predict(network, pixels)
    assert logits.shape == (3, 5, 2)
    assert (logits[0] - logits[1]).abs().max() > 0
    dropped = 0
    for before, after in seen:
        kept = after.flatten(2).abs().amax(dim=2) > 0
        torch.testing.assert_close(after, before / 0.7 * kept[:, :, None, None])
        dropped += int((~kept & (before.flatten(2).abs().amax(dim=2) > 0)).sum())
    assert dropped > 0
    assert torch.equal(network(pixels), network(pixels))


def test_a_network_without_dropout_is_refused_before_anything_trains():
    for method in (METHOD, "mc_filter_dropout"):
        with pytest.raises(ValidationError, match="method: found mc_filter_dropout with a network without dropout; allowed"):
            Student.model_validate({**SMALL, "labels": "hard", "method": method})
    with pytest.raises(UserError, match="without dropout"):
        made(dropout=0.0)


def test_other_networks_keep_their_dropout():
    assert not any(isinstance(module, FilterDropout) for module in made(name="mc_dropout").modules())
    assert not any(isinstance(module, FilterDropout) for module in nn.Sequential(Dropout(0.3), nn.Linear(2, 2)).modules())


def test_it_trains_with_filter_dropout_and_goes_on_after_a_kill(splits, tmp_path):
    assert MCFilterDropout.trains()
    assert not MCDropout.trains()
    task = make_task(splits, method=METHOD, network=BODY, epochs=2)
    whole = train(task, CPU, tmp_path / "whole", no_progress)
    elementwise = train(make_task(splits, network=BODY, epochs=2), CPU, tmp_path / "elementwise", no_progress)
    assert not same(whole.best, elementwise.best)

    def kill(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    assert same(train(task, CPU, tmp_path / "killed", no_progress).best, whole.best)
    network = classifier(task.recipe.network, splits[2], seed=0, method=task.recipe.method)
    network.load_state_dict(whole.best)
    twice = [predict_logits(network, splits[1].images, task.recipe.method, batch_size=7, seed=1) for _ in range(2)]
    assert np.array_equal(*twice)
    assert twice[0].shape == (4, len(splits[1].images), 2)
