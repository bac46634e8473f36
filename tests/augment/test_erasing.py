"""Cutout, random erasing and soft cutout: how much goes, where, and what stands there."""

import pytest
import torch

from softcifar.augment import cutout, random_erasing, soft_cutout
from softcifar.augment.visibility import confidence
from softcifar.errors import UserError
from tests.augment.helpers import batch, generator


def erased_of(images: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    return (images != found).any(dim=1)


def is_box(mask: torch.Tensor) -> torch.Tensor:
    rows, columns = mask.any(dim=2), mask.any(dim=1)
    pieces = [(side[:, 1:] != side[:, :-1]).sum(dim=1) <= 2 for side in (rows, columns)]
    return (mask == (rows[:, :, None] & columns[:, None, :])).all(dim=(1, 2)) & pieces[0] & pieces[1]


def test_cutout_is_a_square_of_mean_colour_cut_at_the_edge():
    images, targets = batch(400)
    found, labels = cutout(images, targets, generator(), side=0.25)
    erased = erased_of(images, found)
    assert is_box(erased).all()
    heights, widths = erased.any(dim=2).sum(dim=1), erased.any(dim=1).sum(dim=1)
    assert heights.max() == widths.max() == 8
    assert heights.min() == 4  # a centre at the edge
    # Of 32 centres 25 leave all 8 pixels inside.
    assert (heights == 8).double().mean().item() == pytest.approx(25 / 32, abs=0.06)
    mean = images.mean(dim=(0, 2, 3)).view(1, 3, 1, 1).expand_as(found)
    assert torch.equal(found[erased[:, None].expand_as(found)], mean[erased[:, None].expand_as(found)])
    assert torch.equal(labels, targets)


def test_random_erasing_is_a_box_of_noise_inside_the_image():
    images, targets = torch.full((2000, 3, 32, 32), 0.25), torch.eye(2).repeat(1000, 1)
    found, _ = random_erasing(images, targets, generator())
    erased = erased_of(images, found)
    assert is_box(erased).all()
    hit = erased.any(dim=(1, 2))
    assert hit.double().mean().item() == pytest.approx(0.5, abs=0.04)
    areas = erased[hit].double().mean(dim=(1, 2))
    assert areas.min() == pytest.approx(0.02, abs=0.006)
    assert areas.max() == pytest.approx(0.33, abs=0.02)
    assert areas.mean() == pytest.approx(0.175, abs=0.01)
    heights, widths = erased[hit].any(dim=2).sum(dim=1), erased[hit].any(dim=1).sum(dim=1)
    ratios = (heights / widths).log()
    assert ratios.mean().abs() < 0.06
    assert ratios.max() == pytest.approx(1.19, abs=0.25)
    noise = found[:, 0][erased]
    assert noise.mean().item() == pytest.approx(0.5, abs=0.01)
    assert noise.var().item() == pytest.approx(1 / 12, abs=0.005)
    assert torch.equal(random_erasing(images[:9], targets[:9], generator(), q=0.0)[0], images[:9])


def test_soft_cutout_follows_the_erased_area():
    images, targets = batch(500)
    found, labels, weights = soft_cutout(images, targets, generator(), k=3.0)
    erased = erased_of(images, found)
    assert is_box(erased).all()
    expected = confidence(1 - erased.double().mean(dim=(1, 2)), 3.0, 10).float()
    torch.testing.assert_close(weights, expected)
    torch.testing.assert_close(labels[targets == 1], expected)
    assert (erased.double().mean(dim=(1, 2)) > 0.8).any()
    half = soft_cutout(images, targets, generator(), side=0.5)[0]
    assert erased_of(images, half).any(dim=2).sum(dim=1).max() <= 16


@pytest.mark.parametrize("erase", [cutout, soft_cutout])
@pytest.mark.parametrize("side", [0.0, 1.5])
def test_an_impossible_side_is_refused(erase, side):
    with pytest.raises(UserError, match=f"side: found {side}; allowed: above 0 and at most 1"):
        erase(*batch(2), generator(), side=side)
