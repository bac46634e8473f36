"""The shortcut without parameters: averages where the sides fit, pixels as they are where they do not."""

import pytest
import torch
import torch.nn.functional as F

from softcifar.models.build import build
from softcifar.models.shortcut import PoolAndPad


def test_even_sides_are_averaged_and_channels_are_padded():
    images = torch.rand(2, 3, 8, 8)
    found = PoolAndPad(2, 2)(images)
    assert torch.equal(found[:, :3], F.avg_pool2d(images, 2))
    assert torch.equal(found[:, 3:], torch.zeros(2, 2, 4, 4))
    assert torch.equal(PoolAndPad(0, 1)(images), images)


@pytest.mark.parametrize("sides", [(7, 7), (7, 8), (8, 7)])
def test_odd_sides_keep_every_second_pixel(sides):
    """The third halving of 28 pixels: 7 become 4, as after the 3x3 convolutions beside it."""
    images = torch.rand(2, 3, *sides)
    found = PoolAndPad(0, 2)(images)
    assert torch.equal(found, images[:, :, ::2, ::2])
    assert found.shape[2:] == (4, 4)


def test_networks_for_28_pixels_have_it():
    network = build("resnet18", 10, in_channels=1, image_size=28, mod=True)
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)
