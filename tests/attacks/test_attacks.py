"""Attacks: identity at 0, bound and range, exact on a linear model, averaged over samples, masked gradients."""

import pytest
import torch
from torch import nn

from softcifar.attacks.apgd import apgd
from softcifar.attacks.fgsm import fgsm
from softcifar.attacks.objective import attacked_loss
from softcifar.attacks.pgd import pgd
from softcifar.attacks.random_search import random_search
from softcifar.errors import UserError

WEIGHTS = torch.linspace(-1, 1, 3 * 4 * 4 * 2).reshape(2, -1) + 0.01  # two classes on 3x4x4 images; no weight is 0


def linear(images: torch.Tensor) -> torch.Tensor:
    return (images.flatten(1) @ WEIGHTS.T)[None]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def by_fgsm(predict, images, labels, eps):
    return fgsm(predict, images, labels, [eps])[0]


def by_pgd(predict, images, labels, eps, seed=0):
    return pgd(predict, images, labels, eps, generator=generator(seed))


def by_apgd(predict, images, labels, eps, seed=0):
    return apgd(predict, images, labels, eps, generator=generator(seed), steps=10)


def by_search(predict, images, labels, eps, seed=0):
    return random_search(predict, images, labels, eps, generator=generator(seed), queries=30)


ATTACKS = pytest.mark.parametrize("attack", [by_fgsm, by_pgd, by_apgd, by_search])


@pytest.mark.parametrize("attack", [by_fgsm, by_pgd, by_apgd])
@pytest.mark.parametrize("eps", [0.0, 0.01, 0.1])
def test_on_a_linear_model_the_loss_rises_by_eps_times_the_l1_norm(attack, eps):
    images = torch.full((5, 3, 4, 4), 0.5)
    labels = torch.tensor([0, 1, 0, 1, 0])
    norm = (WEIGHTS[0] - WEIGHTS[1]).abs().sum()
    rise = attacked_loss(linear, attack(linear, images, labels, eps), labels) - attacked_loss(linear, images, labels)
    torch.testing.assert_close(rise, torch.full((5,), eps * norm.item()), atol=1e-5, rtol=1e-4)


@ATTACKS
@pytest.mark.parametrize("eps", [0.0, 0.05, 1.0])
def test_zero_is_the_identity_and_the_bound_and_range_hold(attack, eps):
    images = torch.rand(8, 3, 4, 4, generator=generator())
    images[0] = 0
    images[1] = 1
    moved = attack(linear, images, torch.zeros(8, dtype=torch.long), eps)
    assert (moved - images).abs().max() <= eps + 1e-7
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert torch.equal(moved, images) == (eps == 0)


@ATTACKS
@pytest.mark.parametrize("eps", [-0.1, 1.1, float("nan")])
def test_a_radius_out_of_range(attack, eps):
    with pytest.raises(UserError, match="eps: found"):
        attack(linear, torch.rand(1, 3, 4, 4), torch.tensor([0]), eps)


@pytest.mark.parametrize("attack", [by_fgsm, by_pgd, by_apgd])
def test_the_gradient_is_averaged_over_samples(attack):
    """Two samples that pull one pixel with 3 and -1: the mean pulls it up, either alone would not tell."""
    images = torch.full((1, 1, 1, 2), 0.5)

    def stochastic(pixels):
        a, b = pixels.flatten(1).T
        strong = torch.stack([-3 * a + b, 3 * a - b], dim=1)
        weak = torch.stack([a + b, -a - b], dim=1)
        return 0.01 * torch.stack([strong, weak])  # nearly linear: the softmax's slope is the same for both samples

    torch.testing.assert_close(attack(stochastic, images, torch.tensor([0]), 0.1).flatten(), torch.tensor([0.6, 0.4]))


@pytest.mark.parametrize("attack", [by_pgd, by_apgd, by_search])
def test_the_generator_alone_decides(attack):
    images, labels = torch.rand(6, 3, 4, 4, generator=generator()), torch.tensor([0, 1, 0, 1, 0, 1])
    images[labels == 0] *= 0.5
    first = attack(bent, images, labels, 0.1, seed=3)
    torch.rand(5)
    assert torch.equal(first, attack(bent, images, labels, 0.1, seed=3))
    assert not torch.equal(first, attack(bent, images, labels, 0.1, seed=4))


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 3)).requires_grad_(False)


BODY = network()


def bent(images: torch.Tensor) -> torch.Tensor:
    return 8 * BODY(images)[None]


def told(predict) -> tuple[torch.Tensor, torch.Tensor]:
    """300 images with the labels that `predict` gives them, so that its accuracy is 1 before an attack."""
    images = torch.rand(300, 3, 4, 4, generator=generator(1))
    return images, predict(images)[0].argmax(dim=1)


def accuracy(predict, images, labels) -> float:
    return (predict(images)[0].argmax(dim=1) == labels).float().mean().item()


def test_pgd_is_at_least_as_strong_as_fgsm_on_average():
    images, labels = told(bent)
    fast, slow = (
        torch.nn.functional.cross_entropy(bent(attack(bent, images, labels, 0.2))[0], labels) for attack in (by_fgsm, by_pgd)
    )
    assert slow > fast > torch.nn.functional.cross_entropy(bent(images)[0], labels)


def test_random_search_never_lowers_the_loss_and_more_queries_raise_it():
    images, labels = told(bent)
    before = attacked_loss(bent, images, labels)
    after = [
        attacked_loss(bent, random_search(bent, images, labels, 0.1, generator=generator(), queries=number), labels)
        for number in (1, 2, 40)
    ]
    for each in after:
        assert (each >= before).all()
    assert after[0].mean() < after[1].mean() < after[2].mean()


def test_logits_that_round_the_softmax_to_0_and_1_stop_no_gradient():
    images, labels = told(bent)
    found = [accuracy(bent, by_pgd(lambda each, s=s: s * bent(each), images, labels, 0.1), labels) for s in (1, 1e4)]
    assert found[1] < found[0] + 0.02 < 0.6


def test_masked_gradients_stop_pgd_but_not_the_black_boxes():
    """Logits rounded to steps: no gradient is left, the classes stay."""

    def masked(images):
        return (20 * bent(images)).round() / 20

    images, labels = told(masked)
    eps = 0.1
    strong = accuracy(bent, by_pgd(bent, images, labels, eps), labels)
    fooled_by_gradients = accuracy(masked, by_pgd(masked, images, labels, eps), labels)
    assert fooled_by_gradients > strong + 0.3
    assert accuracy(masked, by_pgd(bent, images, labels, eps), labels) < fooled_by_gradients - 0.3  # transfer
    assert accuracy(masked, by_search(masked, images, labels, eps), labels) < fooled_by_gradients - 0.1
