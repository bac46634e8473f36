"""MixUp and CutMix: pairs, shares, targets and weights."""

import pytest
import torch
from scipy.stats import beta

from softcifar.augment import cutmix, mixup
from softcifar.augment.mixing import draw_pairs
from tests.augment.helpers import batch, generator


def test_mixup_mixes_images_and_targets_with_the_same_share():
    """A constant image per class makes the mixture of classes readable from the pixels."""
    labels = torch.arange(10).repeat(20)
    images = (labels / 10).view(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    mixed, targets, _ = mixup(images, torch.eye(10)[labels], generator(), alpha=1.0)
    torch.testing.assert_close(mixed[:, 0, 0, 0], (targets * torch.arange(10) / 10).sum(1), atol=1e-5, rtol=0)


def test_mixup_draws_a_beta_share_per_image():
    labels = torch.arange(2).repeat(20_000)
    images = labels.float().view(-1, 1, 1, 1)
    _, targets, _ = mixup(images, torch.eye(2)[labels], generator(), alpha=0.4)
    share = targets[torch.arange(len(labels)), labels]
    mixed = share[share < 1]  # partners of the other class
    # lambda ~ Beta(.4, .4): mean 1/2, variance 1 / (4 (2 * .4 + 1)) = .1389.
    assert mixed.mean().item() == pytest.approx(0.5, abs=0.01)
    assert mixed.var().item() == pytest.approx(1 / 7.2, abs=0.005)


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.2, 1.0, 8.0])
def test_the_shares_are_of_the_beta_law_however_small_alpha_is(alpha):
    """Drawn as plain Gammas, 24 % of the shares at alpha .001 were exactly .5: both draws had underflowed."""
    _, share = draw_pairs(200_000, alpha, 1.0, generator(), torch.device("cpu"))
    assert (share == 0.5).double().mean() < 1e-3
    assert share.mean().item() == pytest.approx(0.5, abs=0.005)
    assert share.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.002)
    if alpha < 0.1:
        between = beta(alpha, alpha).cdf(0.99) - beta(alpha, alpha).cdf(0.01)
        assert ((share > 0.01) & (share < 0.99)).double().mean().item() == pytest.approx(between, abs=0.002)
    again = draw_pairs(200_000, alpha, 1.0, generator(), torch.device("cpu"))[1]
    assert torch.equal(share, again)


def classes_as_levels(count: int, size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """One constant image per class, so that pixels tell which image they are from."""
    labels = torch.arange(10).repeat(count // 10)
    return (labels / 10).view(-1, 1, 1, 1).expand(-1, 3, size, size).contiguous(), torch.eye(10)[labels]


def test_cutmix_mixes_targets_by_the_pasted_area():
    images, targets = classes_as_levels(400)
    mixed, found, weights = cutmix(images, targets, generator(), alpha=1.0)
    levels = (mixed[:, 0] * 10).round().long()  # the class that each pixel is from
    area = torch.stack([(levels == label).double().mean(dim=(1, 2)) for label in range(10)], dim=1)
    torch.testing.assert_close(found.double(), area, atol=1e-6, rtol=0)
    assert torch.equal(weights, torch.ones(400))
    assert len(found.amax(dim=1).unique()) > 50  # a box per image


def test_cutmix_pastes_one_box_at_the_same_place():
    """Images that tell their pixels' places: whatever is pasted comes from there, and is a rectangle."""
    places = torch.arange(32 * 32).view(1, 1, 32, 32) / 2048
    images = torch.cat([places, places + 0.5]).repeat(100, 1, 1, 1)
    mixed, _, _ = cutmix(images, torch.eye(2).repeat(100, 1), generator(), alpha=1.0)
    torch.testing.assert_close(mixed % 0.5, images % 0.5)
    pasted = (mixed != images)[:, 0]
    rows, columns = pasted.any(dim=2), pasted.any(dim=1)
    assert torch.equal(pasted, rows[:, :, None] & columns[:, None, :])
    assert pasted.any(dim=(1, 2)).sum() > 70
    for side in (rows, columns):  # in one piece
        assert ((side[:, 1:] != side[:, :-1]).sum(dim=1) <= 2).all()


def test_cutmix_boxes_have_sides_of_the_root_and_are_cut_at_the_edge():
    """Pasted area of a box inside the image: E[1 - lambda] = 1/2 at alpha 1; with a uniform centre some of it falls outside.

    The part of side s that stays inside, centre uniform: 1 - s/4 for s <= 1. So E = E[(s (1 - s/4))^2], s^2 uniform:
    E[s^2 - s^3/2 + s^4/16] = 1/2 - 1/5 + 1/48 = .3208.
    """
    images = torch.cat([torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)]).repeat(1500, 1, 1, 1)
    mixed, _, _ = cutmix(images, torch.eye(2).repeat(1500, 1), generator(), alpha=1.0)
    pasted = (mixed != images).double().mean().item() * 2  # half of the partners look the same
    assert pasted == pytest.approx(1 / 2 - 1 / 5 + 1 / 48, abs=0.02)


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_q_is_the_share_of_images_that_are_mixed(mix):
    images, targets = batch(3000)
    changed = (mix(images[:, :, :8, :8], targets, generator(), q=0.3, alpha=5.0)[0] != images[:, :, :8, :8]).any(dim=(1, 2, 3))
    assert changed.float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert torch.equal(mix(images[:9], targets[:9], generator(), q=0.0)[0], images[:9])


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_the_loss_of_a_mixed_image_is_the_mixture_of_weighted_losses(mix):
    """With constant images the share lambda is seen in the pixels."""
    images = torch.linspace(0, 1, 50).view(-1, 1, 1, 1).expand(-1, 1, 16, 16).contiguous()
    targets = torch.rand(50, 4, generator=generator(1)).softmax(dim=1)
    weights = torch.rand(50, generator=generator(2)) + 0.1
    losses = -torch.rand(50, 4, generator=generator(3)).log_softmax(dim=1)
    mixed, found, heavy = mix(images, targets, generator(), weights=weights, alpha=1.0)
    partner = torch.randperm(50, generator=generator())  # the first draw of both
    level, own, other = mixed.mean(dim=(1, 2, 3)), images[:, 0, 0, 0], images[partner, 0, 0, 0]
    clear = (own - other).abs() > 0.1
    share = (level - other) / (own - other)
    expected = share * weights * (targets * losses).sum(1)
    expected += (1 - share) * weights[partner] * (targets[partner] * losses).sum(1)
    assert clear.sum() > 20
    torch.testing.assert_close((heavy * (found * losses).sum(1))[clear], expected[clear], atol=1e-4, rtol=0)
    torch.testing.assert_close(found.sum(1), torch.ones(50))
