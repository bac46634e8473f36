"""Augmentations: what they keep, what they change, and that every image has its own draw."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from softcifar.augment import AUGMENTATIONS, crop_flip, mixup, soft_cifar
from softcifar.augment.colour import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from softcifar.errors import UserError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(size: int = 64, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = generator(seed)
    return torch.rand(size, 3, 32, 32, generator=g), torch.eye(10)[torch.randint(10, (size,), generator=g)]


@pytest.mark.parametrize("name", AUGMENTATIONS)
class TestEveryAugmentation:
    def test_images_stay_in_range_and_targets_stay_distributions(self, name):
        images, targets = AUGMENTATIONS[name](*batch(), generator())
        assert images.shape == (64, 3, 32, 32)
        assert images.min() >= -1e-6
        assert images.max() <= 1 + 1e-6
        torch.testing.assert_close(targets.sum(1), torch.ones(64))

    def test_the_generator_alone_decides(self, name):
        first = AUGMENTATIONS[name](*batch(), generator(3))
        torch.rand(7)
        again = AUGMENTATIONS[name](*batch(), generator(3))
        other = AUGMENTATIONS[name](*batch(), generator(4))
        assert torch.equal(first[0], again[0])
        assert not torch.equal(first[0], other[0])

    def test_inputs_are_left_as_they_were(self, name):
        images, targets = batch()
        AUGMENTATIONS[name](images, targets, generator())
        assert torch.equal(images, batch()[0])
        assert torch.equal(targets, batch()[1])


def test_crop_flip_is_a_shift_of_the_padded_image_or_its_mirror():
    images, targets = batch(40)
    found, _ = crop_flip(images, targets, generator())
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    seen = set()
    for image, whole in zip(found, padded, strict=True):
        places = [
            (top, left, mirrored)
            for top in range(9)
            for left in range(9)
            for mirrored in (False, True)
            if torch.equal(image.flip(2) if mirrored else image, whole[:, top : top + 32, left : left + 32])
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) > 30  # one draw per image, not per batch


def test_crop_flip_without_padding_and_flip_is_the_identity():
    images, targets = batch()
    torch.testing.assert_close(crop_flip(images, targets, generator(), padding=0, flip=0.0)[0], images)


def test_mixup_mixes_images_and_targets_with_the_same_share():
    """A constant image per class makes the mixture of classes readable from the pixels."""
    labels = torch.arange(10).repeat(20)
    images = (labels / 10).view(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    mixed, targets = mixup(images, torch.eye(10)[labels], generator(), alpha=1.0)
    torch.testing.assert_close(mixed[:, 0, 0, 0], (targets * torch.arange(10) / 10).sum(1), atol=1e-5, rtol=0)


def test_mixup_draws_a_beta_share_per_image():
    labels = torch.arange(2).repeat(20_000)
    images = labels.float().view(-1, 1, 1, 1)
    _, targets = mixup(images, torch.eye(2)[labels], generator(), alpha=0.4)
    share = targets[torch.arange(len(labels)), labels]
    mixed = share[share < 1]  # partners of the other class
    # lambda ~ Beta(.4, .4): mean 1/2, variance 1 / (4 (2 * .4 + 1)) = .1389.
    assert mixed.mean().item() == pytest.approx(0.5, abs=0.01)
    assert mixed.var().item() == pytest.approx(1 / 7.2, abs=0.005)


def test_mixup_q_is_the_share_of_images_that_are_mixed():
    images, targets = batch(5000)
    changed = (mixup(images[:, :, :1, :1], targets, generator(), q=0.3, alpha=5.0)[0] != images[:, :, :1, :1]).any(1)
    assert changed.float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert torch.equal(mixup(images[:9], targets[:9], generator(), q=0.0)[0], images[:9])


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high"),
    [
        (adjust_brightness, reference.adjust_brightness, 0.5, 1.5),
        (adjust_contrast, reference.adjust_contrast, 0.5, 1.5),
        (adjust_saturation, reference.adjust_saturation, 0.5, 1.5),
        (adjust_hue, reference.adjust_hue, -0.5, 0.5),
    ],
)
def test_colours_equal_torchvision(ours, theirs, low, high):
    images, _ = batch(16)
    images[0] = 0.3  # a grey image has no hue
    amounts = torch.linspace(low, high, 16)
    expected = torch.stack([theirs(image, amount.item()) for image, amount in zip(images, amounts, strict=True)])
    torch.testing.assert_close(ours(images, amounts), expected, atol=1e-5, rtol=0)


def test_soft_cifar_rotation_and_crop_keep_a_centred_disc():
    """No mirror, no colours: a disc stays a disc, enlarged by at most 1 / .8 in area (and cut by the aspect ratio)."""
    grid = torch.arange(32) - 15.5
    disc = ((grid[:, None] ** 2 + grid[None] ** 2) < 64).float().expand(200, 3, 32, 32)
    found, _ = soft_cifar(disc, torch.zeros(200, 10), generator(), brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    areas = found[:, 0].sum((1, 2)) / disc[0, 0].sum()
    assert areas.min() > 0.97
    assert areas.max() < 1.28
    assert areas.std() > 0.03


def test_soft_cifar_rotates_by_the_stated_angle():
    """A horizontal bar turned by up to 10 degrees: its ends rise by at most sin(10 degrees) of its half length."""
    bar = torch.zeros(300, 3, 32, 32)
    bar[:, :, 15:17, 4:28] = 1
    off = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    found, _ = soft_cifar(bar, torch.zeros(300, 10), generator(), **off)
    weight = found[:, 0]
    x, y = torch.arange(32.0)[None, None], torch.arange(32.0)[None, :, None]
    total = weight.sum((1, 2))
    mean_x, mean_y = (weight * x).sum((1, 2)) / total, (weight * y).sum((1, 2)) / total
    dx, dy = x - mean_x[:, None, None], y - mean_y[:, None, None]
    slope = (weight * dx * dy).sum((1, 2)) / (weight * dx * dx).sum((1, 2))
    angles = np.degrees(np.arctan(slope.numpy()))
    assert np.abs(angles).max() < 12.5  # 10 degrees, stretched by an aspect ratio of up to 1.2
    assert np.abs(angles).max() > 8
    assert abs(angles.mean()) < 1.5


def test_soft_cifar_needs_colour_images():
    with pytest.raises(UserError, match="1 channel"):
        soft_cifar(torch.rand(2, 1, 28, 28), torch.eye(2), generator())
