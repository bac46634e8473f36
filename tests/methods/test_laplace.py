"""Last-layer Laplace: against a brute-force Hessian and posterior, and beside a network that stays the plain one."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import MultivariateNormal

from softcifar.errors import UserError
from softcifar.methods.laplace import FullPosterior, KroneckerPosterior, LastLayerLaplace, likeliest_prior
from softcifar.models.airbench import Head
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.network import require_buildable
from softcifar.training.loop import train
from tests.methods.helpers import LAPLACE, MANIFEST
from tests.training.helpers import CPU, make_task, no_progress, same

HEADS = {"bias": lambda: nn.Linear(4, 3), "scaled, no bias": lambda: Head(4, 3, bias=False)}


def drawn(kind: str) -> tuple[nn.Linear, torch.Tensor]:
    torch.manual_seed(0)
    return HEADS[kind]().double().requires_grad_(False), 3 * torch.randn(40, 4, dtype=torch.float64)


def flat(head: nn.Linear) -> torch.Tensor:
    """The weights of the map from features to logits, class by class, the bias behind each class's: (P,)."""
    origin = head(torch.zeros(1, 4, dtype=torch.float64))
    weights = torch.cat([(head(torch.eye(4, dtype=torch.float64)) - origin).T, origin.T], dim=1)
    return weights[:, : 4 + (head.bias is not None)].flatten()


def logits(weights: torch.Tensor, features: torch.Tensor, bias: bool) -> torch.Tensor:
    phi = torch.cat([features, torch.ones(len(features), bias, dtype=torch.float64)], dim=1)
    return phi @ weights.view(3, -1).T


def brute_force(head: nn.Linear, features: torch.Tensor, prior: float) -> torch.Tensor:
    """(P, P): the Hessian of the training loss, labels whatever they are, and the prior's precision."""
    labels, bias = torch.arange(len(features)) % 3, head.bias is not None
    loss = lambda weights: F.cross_entropy(logits(weights, features, bias), labels, reduction="sum")  # noqa: E731
    hessian = torch.autograd.functional.hessian(loss, flat(head).detach())
    return hessian + prior * torch.eye(len(hessian), dtype=torch.float64)


@pytest.mark.parametrize("kind", HEADS)
def test_the_full_posterior_is_the_inverse_of_the_brute_force_hessian(kind):
    head, features = drawn(kind)
    posterior = FullPosterior()
    assert posterior.fit(head, features.split(17), 0.3) == 0.3
    torch.testing.assert_close(posterior.weights, torch.linalg.inv(brute_force(head, features, 0.3)))


@pytest.mark.parametrize("kind", HEADS)
def test_variances_of_logits_are_those_of_drawn_weights(kind):
    head, features = drawn(kind)
    posterior, test, bias = FullPosterior(), torch.randn(5, 4, dtype=torch.float64), head.bias is not None
    posterior.fit(head, [features], 0.3)
    jacobian = torch.autograd.functional.jacobian(lambda weights: logits(weights, test, bias), flat(head).detach())
    expected = jacobian @ posterior.weights @ jacobian.transpose(1, 2)
    torch.testing.assert_close(posterior.covariance(head, test), expected)
    torch.testing.assert_close(posterior.variance(head, test), expected.diagonal(dim1=1, dim2=2))


@pytest.mark.parametrize("kind", HEADS)
def test_the_kronecker_posterior_has_its_definition(kind):
    head, features = drawn(kind)
    posterior, test, bias = KroneckerPosterior(), torch.randn(5, 4, dtype=torch.float64), head.bias is not None
    posterior.fit(head, features.split(17), 0.3)
    phi = torch.cat([features, torch.ones(40, bias, dtype=torch.float64)], dim=1)
    probs = head(features).softmax(dim=1)
    mean = torch.stack([torch.diag(each) - torch.outer(each, each) for each in probs]).mean(dim=0)
    precision = torch.kron(mean, phi.T @ phi)
    precision += 0.3 * torch.eye(len(precision), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda weights: logits(weights, test, bias), flat(head).detach())
    expected = jacobian @ torch.linalg.inv(precision) @ jacobian.transpose(1, 2)
    torch.testing.assert_close(posterior.covariance(head, test), expected)
    torch.testing.assert_close(posterior.variance(head, test), expected.diagonal(dim1=1, dim2=2))


def test_of_one_image_both_are_the_same():
    head, features = drawn("bias")
    full, kronecker = FullPosterior(), KroneckerPosterior()
    for posterior in (full, kronecker):
        posterior.fit(head, [features[:1]], 0.3)
    torch.testing.assert_close(full.covariance(head, features), kronecker.covariance(head, features))


@pytest.mark.parametrize("kind", HEADS)
def test_no_prior_precision_makes_the_training_images_likelier(kind):
    """Laplace's approximation of log p(D), written out with a Gaussian's density and a determinant."""
    head, features = drawn(kind)
    weights = flat(head).detach()

    def evidence(prior: float) -> float:
        precision = brute_force(head, features, prior)
        density = MultivariateNormal(torch.zeros_like(weights), torch.eye(len(weights), dtype=torch.float64) / prior)
        return float(density.log_prob(weights) - torch.linalg.slogdet(precision)[1] / 2)

    found = FullPosterior().fit(head, [features], None)
    assert found == pytest.approx(likeliest_prior(head, torch.linalg.eigvalsh(brute_force(head, features, 0.0))), rel=1e-3)
    assert evidence(found) > max(evidence(found * 1.05), evidence(found / 1.05), evidence(found * 10), evidence(found / 10))


def fitted(**options: object) -> tuple[LastLayerLaplace, nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    method, pixels = LastLayerLaplace(**options), torch.rand(40, 3, 32, 32)
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="laplace", options=options)).eval()
    with torch.no_grad():
        method.finish(network, pixels.split(15), [], torch.zeros(0))
    return method, network, pixels[:6]


@pytest.mark.parametrize("hessian", ["full", "kronecker"])
@torch.no_grad()
def test_all_batches_of_training_images_count_and_no_validation_image(hessian):
    torch.manual_seed(0)
    pixels, method = torch.rand(40, 3, 32, 32), LastLayerLaplace(hessian=hessian, prior=0.3)
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="laplace", options={"hessian": hessian}))
    head = network.eval().network.head
    found = []
    for train_batches, validation in ((pixels.split(15), [pixels[:3]]), ([pixels], []), (pixels[:15].split(15), [pixels[15:]])):
        assert method.finish(network, train_batches, validation, np.zeros(0)) == {"prior_precision": 0.3}
        found.append(head.kept.variance(head, network.features(pixels)))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=0)
    assert (found[2] > found[1] * 1.001).all()  # fewer images leave more variance, beside what softmax never sees


@pytest.mark.parametrize("hessian", ["full", "kronecker"])
@torch.no_grad()
def test_the_prediction_is_the_probit_one_and_samples_agree_with_it(hessian):
    method, network, pixels = fitted(hessian=hessian)
    mean, variance = network(pixels), network.network.head.kept.variance(network.network.head, network.features(pixels))
    (predicted,) = method.predict(network, pixels)
    torch.testing.assert_close(predicted, mean / torch.sqrt(1 + math.pi / 8 * variance).float())
    assert method.scores(network, pixels) == {}  # the predictive distribution judges novelty
    samples = LastLayerLaplace(hessian=hessian, samples=20_000).predict(network, pixels)
    assert samples.shape == (20_000, 6, 2)
    assert samples.dtype == predicted.dtype == torch.float32
    spread = variance.sqrt().amax().item()
    torch.testing.assert_close(samples.mean(dim=0), mean, atol=0.05 * spread, rtol=0)
    torch.testing.assert_close(samples.var(dim=0).double(), variance, rtol=0.1, atol=0)
    torch.testing.assert_close(samples.softmax(dim=2).mean(dim=0), predicted.softmax(dim=1), atol=0.05, rtol=0)


def test_the_network_is_the_plain_one_weight_for_weight(splits, tmp_path):
    """Also where the last layer scales its logits and has no bias, as airbench's does."""
    small = {"name": "airbench", "width1": 8, "width2": 8, "width3": 8}
    splits[2]["covariance"] = np.eye(12).tolist()
    plain, with_posterior = (
        train(make_task(splits, network=small, method=method, epochs=2), CPU, tmp_path / method, no_progress)
        for method in ("softmax", "laplace")
    )
    weights = {name: tensor for name, tensor in with_posterior.best.items() if ".kept." not in name}
    assert same(weights, plain.best)
    assert with_posterior.history == plain.history
    assert set(with_posterior.fitted) == {"prior_precision"}


def test_saved_posteriors_are_read_again():
    for hessian in ("full", "kronecker"):
        method, network, pixels = fitted(hessian=hessian)
        again = classifier(
            Chosen(name="resnet8"), MANIFEST, seed=1, method=Chosen(name="laplace", options={"hessian": hessian})
        )
        again.load_state_dict(network.state_dict())
        torch.testing.assert_close(method.predict(again.eval(), pixels), method.predict(network, pixels), rtol=0, atol=0)
        missing = {name: tensor for name, tensor in network.state_dict().items() if ".kept." not in name}
        with pytest.raises(RuntimeError, match="kept"):
            again.load_state_dict(missing)


def test_what_it_cannot_do_is_said():
    with pytest.raises(UserError, match="found hessian full with a last layer of 51200 weights; allowed: at most 5000"):
        LastLayerLaplace(hessian="full").head(512, 100)
    assert isinstance(LastLayerLaplace().head(128, 10), FullPosterior)
    assert isinstance(LastLayerLaplace().head(512, 100), KroneckerPosterior)
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0)
    network.network.head = nn.Identity()
    with pytest.raises(UserError, match="last layer is a Identity; allowed: a linear layer"):
        network.network.head = LastLayerLaplace().head(64, 2)
    require_buildable(Chosen(name="resnet8"), Chosen(**LAPLACE))
