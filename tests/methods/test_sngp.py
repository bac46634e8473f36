"""SNGP: closed forms on toy problems, what is fitted after training, and the mistakes that published implementations made."""

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from scipy.special import log_softmax, softmax

from softcifar.methods.prediction import predict_logits, to_pixels
from softcifar.methods.sngp import SNGP, RandomFeatureGP, fit_mean_field, orthogonal_features
from softcifar.metrics.likelihood import negative_log_likelihood
from softcifar.metrics.predictive import predictive
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.options import check, problems
from softcifar.training.loop import train
from tests.methods.helpers import MANIFEST, SNGP_SMALL, chosen
from tests.training.helpers import CPU, make_task, no_progress, run_student, same


def gp(inputs: int = 3, features: int = 50, likelihood: str = "gaussian") -> RandomFeatureGP:
    torch.manual_seed(0)
    return RandomFeatureGP(inputs, 4, features, 1.0, 0.7, likelihood)


def test_the_precision_is_that_of_bayesian_linear_regression():
    layer = gp().eval()
    batches = [torch.randn(20, 3), torch.randn(7, 3)]
    phi = torch.cat([layer.phi(batch).detach().double() for batch in batches])
    for _ in range(2):  # a second fit takes the place of the first
        layer.fit_precision(batches)
        torch.testing.assert_close(layer.precision.double(), phi.T @ phi, rtol=1e-4, atol=1e-5)
    test = layer.phi(torch.randn(5, 3)).detach()
    # Prior N(0, 1 / ridge), noise 1: the posterior covariance is (ridge I + Phi^T Phi)^-1.
    covariance = torch.linalg.inv(0.7 * torch.eye(50, dtype=torch.float64) + phi.T @ phi)
    expected = (test.double() @ covariance * test.double()).sum(dim=1)
    torch.testing.assert_close(layer.variance(test), expected.float(), rtol=1e-3, atol=1e-5)


def test_the_softmax_likelihood_weighs_by_its_curvature():
    layer = gp(likelihood="softmax").eval()
    batch = torch.randn(9, 3)
    phi = layer.phi(batch).detach()
    top = layer.mean(phi).softmax(dim=1).amax(dim=1)
    layer.fit_precision([batch])
    torch.testing.assert_close(layer.precision, (phi * (top * (1 - top))[:, None]).T @ phi, rtol=1e-4, atol=1e-6)


def test_the_variance_is_of_the_present_precision():
    layer, other = gp().eval(), gp().eval()
    layer.fit_precision([torch.randn(20, 3)])
    phi = layer.phi(torch.randn(5, 3))
    first = layer.variance(phi)
    other.fit_precision([torch.randn(200, 3) * 2])
    layer.load_state_dict(other.state_dict())
    assert (layer.variance(phi) < first).all()  # of the loaded precision, not of the one before


def test_random_features_approximate_the_gaussian_kernel():
    torch.manual_seed(0)
    weight = orthogonal_features(4000, 5)
    torch.testing.assert_close(weight[:5] @ weight[:5].T, torch.diag((weight[:5] ** 2).sum(dim=1)), atol=1e-5, rtol=0)
    a, b = torch.randn(2, 5) * 0.5
    phase = 2 * math.pi * torch.rand(4000)
    phi = [math.sqrt(2 / 4000) * torch.cos(weight @ each + phase) for each in (a, b)]
    assert phi[0] @ phi[1] == pytest.approx(float(torch.exp(-((a - b) ** 2).sum() / 2)), abs=0.05)


def test_variance_grows_away_from_the_data():
    layer = gp(inputs=2, features=256)
    points = torch.randn(500, 2)
    layer(points)  # in training mode: the norm learns the spread of the features
    layer.eval()
    layer.fit_precision([points])
    radii = torch.tensor([0.0, 2.0, 6.0])
    variances = layer.variance(layer.phi(radii[:, None] * torch.tensor([[0.6, 0.8]])))
    assert (variances.diff() > 0).all()
    assert variances[2] > 10 * variances[0]


@pytest.mark.parametrize("mean_field", [0.0, math.pi / 8, 3.0])
def test_the_prediction_is_the_mean_field_one(mean_field):
    options = {"features": 64, "mean_field": mean_field}
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="sngp", options=options)).eval()
    pixels = torch.rand(6, 3, 32, 32)
    method = SNGP(**options)
    variance = method.scores(network, pixels)["variance"]
    expected = network(pixels) / torch.sqrt(1 + mean_field * variance)[:, None]
    torch.testing.assert_close(method.predict(network, pixels)[0], expected)


def drawn(mean_field: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, variances, and labels that are as likely as the mean-field prediction says."""
    rng = np.random.default_rng(0)
    logits, variance = 4 * rng.normal(size=(20_000, 3)), rng.uniform(0, 1, 20_000)
    probs = softmax(logits / np.sqrt(1 + mean_field * variance)[:, None], axis=1)
    return logits, variance, (rng.random((len(probs), 1)) > probs.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("mean_field", [0.3, 10.0, 200.0])
def test_the_fitted_mean_field_is_the_one_that_labels_were_drawn_with(mean_field):
    logits, variance, labels = drawn(mean_field)
    found = fit_mean_field(logits, variance, labels)
    assert found == pytest.approx(mean_field, rel=0.15)

    def nll(value: float) -> float:
        return -log_softmax(logits / np.sqrt(1 + value * variance)[:, None], axis=1)[np.arange(len(labels)), labels].mean()

    assert nll(found) <= min(map(nll, np.geomspace(1e-3, 1e5, 200))) + 1e-9


def test_networks_that_are_not_sure_enough_get_no_mean_field():
    logits, variance, labels = drawn(10.0)
    assert fit_mean_field(logits / 100, variance, labels) == 0


@pytest.mark.parametrize("found", ["fit", -1.0])
def test_a_mean_field_is_a_number_or_fitted(found):
    with pytest.raises(ValidationError) as error:
        check(SNGP, {"mean_field": found})
    ((place, text),) = problems(error.value)
    assert place == ("mean_field",)
    assert re.fullmatch(rf"found {found!r}; .* or 'fitted'", text)


def test_the_factor_of_the_precision_serves_gradients_after_inference():
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="sngp", options={"features": 64})).eval()
    pixels = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        SNGP(features=64).predict(network, pixels)
    pixels.requires_grad_()
    SNGP(features=64).predict(network, pixels).sum().backward()
    assert pixels.grad.abs().sum() > 0


@pytest.mark.parametrize("checkpoint", ["best", "last"])
def test_the_precision_is_of_plain_training_images_and_the_kept_weights(splits, tmp_path, checkpoint):
    """And of one evaluation-mode pass: the traps are drifting weights, batch statistics, augmented images."""
    task = make_task(splits, method=SNGP_SMALL, augment=["crop_flip"], epochs=3, checkpoint=checkpoint, lr=0.3)
    state = train(task, CPU, tmp_path / "state", no_progress)
    network = classifier(Chosen(name="resnet8"), splits[2], seed=0, method=chosen(SNGP_SMALL)).eval()
    network.load_state_dict(state.best)
    phi = network.network.head.phi(network.features(to_pixels(torch.as_tensor(splits[0].images))))
    torch.testing.assert_close(state.best["network.head.precision"], phi.T @ phi, rtol=1e-3, atol=1e-4)


def test_what_is_fitted_after_training_is_saved_and_fitted_once(splits, tmp_path, monkeypatch):
    calls = []
    finish = SNGP.finish
    monkeypatch.setattr(SNGP, "finish", lambda self, *args: calls.append(args[0].training) or finish(self, *args))
    task = make_task(splits, method=SNGP_SMALL, epochs=1)
    state = train(task, CPU, tmp_path / "state", no_progress)
    again = train(task, CPU, tmp_path / "state", no_progress)
    assert calls == [False]
    assert same(again.best, state.best)
    assert again.fitted == state.fitted == {"mean_field": state.best["network.head.mean_field"].item()}


def test_a_fitted_mean_field_does_not_raise_the_validation_nll(splits, tmp_path):
    _, validation, manifest = splits
    labels = np.where(np.arange(20) % 5, validation.labels, 1 - validation.labels)  # a fifth are wrong: too sure a network
    task = dataclasses.replace(make_task(splits, method=SNGP_SMALL, epochs=4, checkpoint="last"), validation_labels=labels)
    weights = train(task, CPU, tmp_path / "state", no_progress).best
    nll = {}
    for mean_field in (0.0, weights["network.head.mean_field"].item()):
        method = Chosen(name="sngp", options={"features": 64, "mean_field": mean_field})
        network = classifier(Chosen(name="resnet8"), manifest, seed=0, method=method)
        network.load_state_dict(weights | {"network.head.mean_field": torch.tensor(mean_field)})
        logits = predict_logits(network, validation.images, method, batch_size=500, seed=0)
        nll[mean_field] = negative_log_likelihood(predictive(logits), labels)
    assert len(nll) == 2
    assert min(nll, key=nll.get) > 0


def test_what_was_fitted_is_told_beside_the_networks(splits, tmp_path):
    method = SNGP_SMALL
    out, _, about = run_student(splits, tmp_path, "one", epochs=1, method=method)
    saved = [load_file(out / f"run_{run}.safetensors")["network.head.mean_field"].item() for run in range(2)]
    assert about["fitted"] == {"mean_field": saved}
    _, _, plain = run_student(splits, tmp_path, "plain", epochs=1)
    assert plain["fitted"] == {}
