"""The moving average of SNGP's precision: its recursion by hand, what the reference makes of it, what training gives it."""

import copy

import numpy as np
import pytest
import torch

from softcifar.methods.sngp_moving_average import MovingAverageGP, MovingAverageSNGP
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.training.loop import train
from tests.methods.helpers import MANIFEST, MOVING_AVERAGE, chosen
from tests.training.helpers import CPU, make_task, no_progress

RIDGE, MOMENTUM = 0.7, 0.9


def gp(likelihood: str = "gaussian", momentum: float = MOMENTUM) -> MovingAverageGP:
    torch.manual_seed(0)
    return MovingAverageGP(3, 4, 50, 1.0, RIDGE, likelihood, momentum)


def trained_by_hand(layer: MovingAverageGP) -> list[np.ndarray]:
    """Let the layer see five batches of several sizes in training; each one's mean of w phi phi^T, float64."""
    means = []
    for size in (20, 7, 1, 12, 20):
        features = torch.randn(size, 3)
        with torch.no_grad():
            phi = copy.deepcopy(layer).phi(features)  # by the batch's own statistics; a copy, for a pass moves the running ones
            probs = layer.mean(phi).softmax(dim=1).amax(dim=1).double().numpy()
        weights = probs * (1 - probs) if layer.likelihood == "softmax" else np.ones(size)
        phi = phi.double().numpy()
        means.append((weights[:, None] * phi).T @ phi / size)
        layer(features)
    return means


@pytest.mark.parametrize("likelihood", ["gaussian", "softmax"])
def test_the_precision_is_the_recursion_by_hand(likelihood):
    layer = gp(likelihood)
    average = np.zeros((50, 50))
    for mean in trained_by_hand(layer):
        average = MOMENTUM * average + (1 - MOMENTUM) * mean
    np.testing.assert_allclose(layer.precision, average, rtol=1e-4, atol=1e-6)
    layer.eval()
    layer.scale_to(600)
    expected = 600 * average / (1 - MOMENTUM**5)
    np.testing.assert_allclose(layer.precision, expected, rtol=1e-4, atol=1e-4)
    phi = layer.phi(torch.randn(6, 3)).detach()
    covariance = np.linalg.inv(RIDGE * np.eye(50) + expected)
    variance = ((phi.double().numpy() @ covariance) * phi.double().numpy()).sum(axis=1)
    np.testing.assert_allclose(layer.variance(phi), variance, rtol=2e-3)


def test_the_reference_averages_the_ridge_too():
    """Its recursion starts at ridge I and has m^t of it left; the rest is the average here."""
    layer, reference = gp(), RIDGE * np.eye(50)
    for mean in trained_by_hand(layer):
        reference = MOMENTUM * reference + (1 - MOMENTUM) * mean
    np.testing.assert_allclose(layer.precision.numpy() + MOMENTUM**5 * RIDGE * np.eye(50), reference, rtol=1e-4, atol=1e-6)


def test_equal_batches_make_the_precision_that_a_sum_over_them_makes():
    """However few the steps: the average's start at 0 does not count, and N stands for the sum."""
    layer, features = gp(momentum=0.999), torch.randn(40, 3)
    for _ in range(3):
        layer(features)
    with torch.no_grad():
        phi = layer.phi(features)
    layer.scale_to(40)
    torch.testing.assert_close(layer.precision, phi.T @ phi, rtol=1e-3, atol=1e-4)


def test_evaluation_does_not_move_it():
    layer = gp()
    layer(torch.randn(9, 3))
    before = layer.precision.clone(), layer.share.clone()
    layer.eval()(torch.randn(9, 3))
    assert torch.equal(layer.precision, before[0])
    assert torch.equal(layer.share, before[1])


def test_gradients_are_those_without_it():
    layer = gp()
    features = torch.randn(9, 3, requires_grad=True)
    (moved,) = torch.autograd.grad(layer(features).square().sum(), features)
    (plain,) = torch.autograd.grad(layer.mean(layer.phi(features)).square().sum(), features)
    torch.testing.assert_close(moved, plain)
    assert not layer.precision.requires_grad


def test_training_gathers_the_precision_of_all_training_images(splits, tmp_path):
    """|phi|^2 is about 1, so its trace is about their number; and of the kept weights it is not the sum that `sngp` has."""
    task = make_task(splits, method=MOVING_AVERAGE, epochs=3, checkpoint="last")
    state = train(task, CPU, tmp_path / "state", no_progress)
    steps = 3 * -(-len(splits[0].images) // task.recipe.batch_size)
    assert state.best["network.head.share"].item() == pytest.approx(1 - 0.5**steps, rel=1e-5)
    assert state.best["network.head.precision"].trace().item() == pytest.approx(len(splits[0].images), rel=0.2)
    assert set(state.fitted) == {"mean_field"}
    network = classifier(Chosen(name="resnet8"), splits[2], seed=0, method=chosen(MOVING_AVERAGE)).eval()
    network.load_state_dict(state.best)
    head = network.network.head
    gathered = head.precision.clone()
    super(MovingAverageGP, head).fit_precision([network.features(torch.as_tensor(splits[0].images).permute(0, 3, 1, 2) / 255)])
    assert (gathered - head.precision).norm() > 0.01 * gathered.norm()


def test_an_unfitted_mean_field_is_the_option():
    method = Chosen(name="sngp_moving_average", options={"features": 32, "mean_field": 2.0})
    head = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=method).network.head
    assert head.mean_field == 2
    assert (MovingAverageSNGP().momentum, head.momentum) == (0.999, 0.999)
