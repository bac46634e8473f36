"""Soft noise and the label-relaxation study's shifts."""

import pytest
import torch

from softcifar.augment import shift_flip, soft_noise
from softcifar.augment.visibility import confidence
from softcifar.errors import UserError
from tests.augment.helpers import batch, generator


def test_soft_noise_leaves_as_much_of_the_image_as_target_and_weight_say():
    images = torch.where(torch.arange(32) < 16, 0.0, 1.0).expand(400, 1, 32, 32)
    targets = torch.eye(10)[torch.arange(400) % 10]
    found, labels, weights = soft_noise(images, targets, generator())
    visible = found[..., 16:].mean(dim=(1, 2, 3)) - found[..., :16].mean(dim=(1, 2, 3))  # 1 - s: both halves get the same noise
    expected = confidence(visible, 2, 10)
    torch.testing.assert_close(weights, expected, atol=0.1, rtol=0)
    torch.testing.assert_close(labels[targets == 1], weights)
    assert visible.std() > 0.25  # a level per image
    assert found[visible.argmin()].unique().numel() > 900  # noise of every pixel its own
    torch.testing.assert_close(soft_noise(images, targets, generator(), level=1e-6)[0], images, atol=1e-5, rtol=0)
    with pytest.raises(UserError, match=r"level: found 2.0; allowed: above 0 and at most 1"):
        soft_noise(images, targets, generator(), level=2.0)


def test_soft_noise_is_uniform_where_nothing_is_left():
    images, targets = batch(100)
    found, _, weights = soft_noise(images, targets, generator())
    least = weights.argmin()
    assert weights[least] < 0.15
    assert found[least].var().item() == pytest.approx(1 / 12, abs=0.01)


def test_shifts_are_uniform_up_to_a_tenth_of_the_side():
    """A ramp tells by how much it was moved; beyond the edge its last value goes on."""
    ramp = (torch.arange(40) / 40).expand(2000, 1, 30, 40)
    targets = torch.eye(2).repeat(1000, 1)
    found, labels = shift_flip(ramp, targets, generator(), flip=0.0)
    moved = (found[:, 0, 15, 20] - ramp[:, 0, 15, 20]) * 40
    assert moved.abs().max() == pytest.approx(4, abs=0.05)
    assert moved.var().item() == pytest.approx(16 / 3, abs=0.3)
    torch.testing.assert_close(found, found[:, :, :1].expand_as(found))  # nothing black came in from above or below
    right = found[moved > 1][:, 0, 0]
    torch.testing.assert_close(right[:, -1], torch.full((len(right),), 39 / 40))
    assert torch.equal(labels, targets)
    down = shift_flip(ramp.transpose(2, 3), targets, generator(), flip=0.0)[0]
    assert ((down[:, 0, 20, 15] - 0.5) * 40).var().item() == pytest.approx(16 / 3, abs=0.3)


def test_without_a_shift_a_flip_is_exact():
    images, targets = batch(200)
    found, _ = shift_flip(images, targets, generator(), shift=0.0)
    mirrored = torch.isclose(found, images.flip(3), atol=1e-5).all(dim=(1, 2, 3))
    straight = torch.isclose(found, images, atol=1e-5).all(dim=(1, 2, 3))
    assert (mirrored ^ straight).all()
    assert 70 < mirrored.sum() < 130
