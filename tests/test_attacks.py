"""FGSM: identity at 0, bound, range, exact on a linear model, and averaged over the samples of a stochastic one."""

import pytest
import torch

from softcifar.attacks.fgsm import fgsm
from softcifar.errors import UserError

WEIGHTS = torch.linspace(-1, 1, 3 * 4 * 4 * 2).reshape(2, -1) + 0.01  # two classes on 3x4x4 images; no weight is 0


def linear(images: torch.Tensor) -> torch.Tensor:
    return (images.flatten(1) @ WEIGHTS.T)[None]


def test_on_a_linear_model_the_margin_falls_by_eps_times_the_l1_norm():
    images = torch.full((5, 3, 4, 4), 0.5)
    labels = torch.tensor([0, 1, 0, 1, 0])
    eps = [0.0, 0.01, 0.1]
    norm = (WEIGHTS[0] - WEIGHTS[1]).abs().sum()

    def margin(pixels):
        logits = linear(pixels)[0]
        rows = torch.arange(5)
        return logits[rows, labels] - logits[rows, 1 - labels]

    for radius, moved in zip(eps, fgsm(linear, images, labels, eps), strict=True):
        torch.testing.assert_close(margin(images) - margin(moved), torch.full((5,), radius * norm.item()))


def test_zero_is_the_identity_and_the_bound_and_range_hold():
    images = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    images[0] = 0
    images[1] = 1
    eps = [0.0, 0.05, 1.0]
    for radius, moved in zip(eps, fgsm(linear, images, torch.zeros(8, dtype=torch.long), eps), strict=True):
        assert (moved - images).abs().max() <= radius + 1e-7
        assert moved.min() >= 0
        assert moved.max() <= 1
        assert torch.equal(moved, images) == (radius == 0)


def test_the_gradient_is_averaged_over_samples():
    """Two samples that pull one pixel with 3 and -1: the mean pulls it up, either alone would not tell."""
    images = torch.full((1, 1, 1, 2), 0.5)

    def stochastic(pixels):
        a, b = pixels.flatten(1).T
        strong = torch.stack([-3 * a + b, 3 * a - b], dim=1)
        weak = torch.stack([a + b, -a - b], dim=1)
        return 0.01 * torch.stack([strong, weak])  # nearly linear: the softmax's slope is the same for both samples

    (moved,) = fgsm(stochastic, images, torch.tensor([0]), [0.1])
    torch.testing.assert_close(moved.flatten(), torch.tensor([0.6, 0.4]))


@pytest.mark.parametrize("eps", [-0.1, 1.1, float("nan")])
def test_a_radius_out_of_range(eps):
    with pytest.raises(UserError, match="eps: found"):
        fgsm(linear, torch.rand(1, 3, 4, 4), torch.tensor([0]), [eps])
