"""Crops, flips and the Soft CIFAR set: what they change, and that every image has its own draw."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from softcifar.augment import crop_flip, soft_cifar
from softcifar.augment.colour import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, adjust_sharpness
from softcifar.augment.policy import augment
from softcifar.errors import UserError
from softcifar.params.chosen import Chosen
from tests.augment.helpers import batch, generator


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


def test_crop_flip_can_fill_with_the_mirrored_edge():
    images, targets = batch(30)
    found, _ = crop_flip(images, targets, generator(), padding=2, fill="reflect", flip=0.0)
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2), mode="reflect")
    for image, whole in zip(found, padded, strict=True):
        places = [(y, x) for y in range(5) for x in range(5) if torch.equal(image, whole[:, y : y + 32, x : x + 32])]
        assert len(places) == 1


def test_an_image_has_no_more_edge_to_mirror_than_itself():
    images, targets = batch(2)
    with pytest.raises(UserError, match="found 32 with fill: reflect and images of 32 x 32 pixels; allowed there: at most 31"):
        crop_flip(images, targets, generator(), padding=32, fill="reflect")
    assert crop_flip(images, targets, generator(), padding=31, fill="reflect")[0].shape == images.shape


def test_alternating_flips_mirror_the_images_whose_turn_it_is():
    images, targets = batch(6)
    turn = torch.tensor([True, False, True, True, False, False])
    steps = [Chosen(name="crop_flip", options={"padding": 0, "flip": "alternate"})]
    found, _, _ = augment(steps, images, targets, generator(), turn)
    expected = torch.where(turn[:, None, None, None], images.flip(3), images)
    torch.testing.assert_close(found, expected)


def test_crop_flip_without_padding_and_flip_is_the_identity():
    images, targets = batch()
    torch.testing.assert_close(crop_flip(images, targets, generator(), padding=0, flip=0.0)[0], images)


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high"),
    [
        (adjust_brightness, reference.adjust_brightness, 0.5, 1.5),
        (adjust_contrast, reference.adjust_contrast, 0.5, 1.5),
        (adjust_saturation, reference.adjust_saturation, 0.5, 1.5),
        (adjust_sharpness, reference.adjust_sharpness, 0.0, 1.9),
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
