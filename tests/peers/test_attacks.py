"""Attacks against torchattacks and foolbox, on a small network that was trained on scikit-learn's digits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from softcifar.attacks.apgd import apgd
from softcifar.attacks.fgsm import fgsm
from softcifar.attacks.objective import input_gradient
from softcifar.attacks.pgd import pgd
from tests.peers.conftest import peer

RADII = (0.02, 0.1, 0.2)


@pytest.fixture(scope="module")
def digits() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A network (about 97 %), 400 test images (400, 1, 8, 8) in [0, 1], and their labels."""
    data, labels = load_digits(return_X_y=True)
    images, labels = torch.tensor(data / 16).float().view(-1, 1, 8, 8), torch.tensor(labels)
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(12):
        for batch in torch.randperm(1300).split(64):
            optimizer.zero_grad()
            F.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimizer.step()
    return network.eval(), images[1300:1700], labels[1300:1700]


def accuracy(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    return (network(images).argmax(dim=1) == labels).float().mean().item()


def loss(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    return F.cross_entropy(network(images), labels).item()


def ours(attack, digits, eps, **options):
    network, images, labels = digits
    return attack(lambda x: network(x)[None], images, labels, eps, generator=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize("eps", RADII)
def test_fgsm_is_torchattacks_and_foolboxs(digits, eps):
    """The very same images, but for pixels whose cross-entropy has too small a gradient for float32 to know its sign."""
    network, images, labels = digits
    mine = ours(fgsm, digits, [eps])[0]
    double = nn.Sequential(network).double()
    point = images.double().requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(double(point), labels, reduction="sum"), point)
    network.float()
    known = slope.abs() > 1e-6
    assert known.float().mean() > 0.5
    there = peer("torchattacks").FGSM(network, eps=eps)(images, labels)
    torch.testing.assert_close(mine[known], there[known], rtol=0, atol=1e-6)
    foolbox = peer("foolbox")
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    raw = foolbox.attacks.LinfFastGradientAttack(random_start=False)(model, images, labels, epsilons=[eps])[1][0]
    torch.testing.assert_close(mine[known], raw[known], rtol=0, atol=1e-6)


def test_the_gradient_has_the_direction_of_cross_entropys(digits):
    network, images, labels = digits
    point = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(network(point), labels, reduction="sum"), point)
    mine = input_gradient(lambda x: network(x)[None], images, labels)
    large = slope.flatten(1).norm(dim=1) > 1e-3
    cosine = F.cosine_similarity(mine.flatten(1), slope.flatten(1))[large]
    assert large.float().mean() > 0.3
    assert cosine.min() > 0.999


@pytest.mark.parametrize("eps", RADII)
def test_pgd_is_as_strong_as_torchattacks_and_foolboxs(digits, eps):
    """Other random starts: accuracy within 3 points. Ours is never the weaker by more than one."""
    network, images, labels = digits
    mine = ours(pgd, digits, eps, steps=20)
    step = 2.5 * eps / 20
    torch.manual_seed(0)
    there = peer("torchattacks").PGD(network, eps=eps, alpha=step, steps=20)(images, labels)
    foolbox = peer("foolbox")
    attack = foolbox.attacks.LinfProjectedGradientDescentAttack(rel_stepsize=2.5 / 20, steps=20, random_start=True)
    raw = attack(foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu"), images, labels, epsilons=[eps])[0][0]
    for theirs in (there, raw):
        assert accuracy(network, mine, labels) <= accuracy(network, theirs, labels) + 0.01
        assert accuracy(network, mine, labels) >= accuracy(network, theirs, labels) - 0.03
        assert loss(network, mine, labels) > 0.95 * loss(network, theirs, labels)


@pytest.mark.parametrize("objective", ["ce", "dlr"])
@pytest.mark.parametrize("eps", RADII)
def test_apgd_is_as_strong_as_torchattacks(digits, eps, objective):
    """Within 2 points by either loss. By `dlr` both are weaker than PGD here; by `ce` ours is not."""
    network, images, labels = digits
    mine = accuracy(network, ours(apgd, digits, eps, steps=50, loss=objective), labels)
    theirs = peer("torchattacks").APGD(network, eps=eps, steps=50, loss=objective, seed=0)(images, labels)
    assert mine == pytest.approx(accuracy(network, theirs, labels), abs=0.02)
    assert objective == "dlr" or mine <= accuracy(network, ours(pgd, digits, eps, steps=50), labels) + 0.01


def test_all_stay_in_the_ball_that_theirs_do(digits):
    network, images, labels = digits
    for eps in RADII:
        there = peer("torchattacks").PGD(network, eps=eps, alpha=eps, steps=3)(images, labels)
        for moved in (ours(fgsm, digits, [eps])[0], ours(pgd, digits, eps), there):
            assert (moved - images).abs().max() <= eps + 1e-6
            assert moved.min() >= 0
            assert moved.max() <= 1
    assert np.isclose(accuracy(network, images, labels), 0.95, atol=0.05)
