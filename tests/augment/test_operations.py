"""The operations of RandAugment and TrivialAugment equal torchvision's, image by image; so do their magnitudes."""

import math

import pytest
import torch
from torchvision.transforms import RandAugment, TrivialAugmentWide
from torchvision.transforms import functional as reference

from softcifar.augment import randaugment, trivialaugment
from softcifar.augment.operations import BINS, OPERATIONS, SIGNED, Strengths, amounts, apply
from softcifar.augment.trivialaugment import WIDE
from softcifar.errors import UserError
from tests.augment.helpers import generator

NAMES = {name: "".join(part.title() for part in name.split("_")) for name in OPERATIONS}
NAMES |= {"colour": "Color", "autocontrast": "AutoContrast"}
IMAGES = 12


def pictures(channels: int = 3, height: int = 32, width: int = 32) -> torch.Tensor:
    """uint8 images, smooth with some noise, one of a single level and one of two."""
    g = generator(5)
    coarse = torch.rand(IMAGES, channels, 5, 5, generator=g)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic") * 200 + 25
    found = (fine + 20 * torch.randn(fine.shape, generator=g)).clamp(0, 255).to(torch.uint8)
    found[0] = 77
    found[1] = torch.where(found[1] > 100, 90, 200)
    return found


def run(name: str, images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Ours, on uint8 (B, C, H, W): floats in [0, 255]."""
    chosen = torch.full((len(images),), OPERATIONS.index(name))
    found = apply(images.float() / 255, chosen, values)
    assert found.min() >= 0
    assert found.max() <= 1
    return found * 255


SHEARS = torch.cat([torch.linspace(-0.97, 0.97, IMAGES - 1), torch.zeros(1)])
FACTORS = torch.linspace(-0.99, 0.99, IMAGES)


@pytest.mark.parametrize("size", [(32, 32), (28, 20)], ids=["square", "oblong"])
@pytest.mark.parametrize(
    ("name", "values", "theirs"),
    [
        ("shear_x", SHEARS,
         lambda image, s: reference.affine(image, 0.0, [0, 0], 1.0, [math.degrees(math.atan(s)), 0.0], center=[0, 0])),
        ("shear_y", SHEARS,
         lambda image, s: reference.affine(image, 0.0, [0, 0], 1.0, [0.0, math.degrees(math.atan(s))], center=[0, 0])),
        ("translate_x", torch.linspace(-31.9, 31.9, IMAGES),
         lambda image, s: reference.affine(image, 0.0, [int(s), 0], 1.0, [0.0, 0.0])),
        ("translate_y", torch.linspace(-31.9, 31.9, IMAGES),
         lambda image, s: reference.affine(image, 0.0, [0, int(s)], 1.0, [0.0, 0.0])),
        ("rotate", torch.linspace(-134, 133, IMAGES), reference.rotate),
    ],
)  # fmt: skip
def test_maps_equal_torchvision(name, values, theirs, size):
    images = pictures(3, *size)
    expected = torch.stack([theirs(image, value.item()) for image, value in zip(images, values, strict=True)])
    found = run(name, images, values).round()
    # The same pixels, but for places so near the middle of two that the last bit decides.
    assert (found != expected).any(dim=1).double().mean() < 0.002


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "values", "theirs"),
    [
        ("brightness", FACTORS, lambda image, s: reference.adjust_brightness(image, 1 + s)),
        ("colour", FACTORS, lambda image, s: reference.adjust_saturation(image, 1 + s)),
        ("contrast", FACTORS, lambda image, s: reference.adjust_contrast(image, 1 + s)),
        ("sharpness", FACTORS, lambda image, s: reference.adjust_sharpness(image, 1 + s)),
        ("autocontrast", FACTORS, lambda image, _: reference.autocontrast(image)),
    ],
)
def test_blends_equal_torchvision_on_floats(name, values, theirs, channels):
    images = pictures(channels)
    pairs = zip(images.float() / 255, values, strict=True)
    expected = torch.stack([theirs(image, value.item()) for image, value in pairs])
    torch.testing.assert_close(run(name, images, values), expected * 255, atol=0.01, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "values", "theirs"),
    [
        ("posterize", torch.arange(IMAGES) % 7 + 2.0, lambda image, s: reference.posterize(image, int(s))),
        ("solarize", torch.linspace(0, 255, IMAGES), reference.solarize),
        ("equalize", FACTORS, lambda image, _: reference.equalize(image)),
        ("identity", FACTORS, lambda image, _: image),
    ],
)
def test_levels_equal_torchvision_on_bytes(name, values, theirs, channels):
    images = pictures(channels)
    expected = torch.stack([theirs(image, value.item()) for image, value in zip(images, values, strict=True)])
    torch.testing.assert_close(run(name, images, values), expected.float(), atol=1e-3, rtol=0)


def test_every_image_gets_its_own_operation():
    images = pictures().float()[:1].repeat(len(OPERATIONS), 1, 1, 1) / 255
    images[:] = pictures()[3] / 255
    values = torch.linspace(0.1, 0.9, len(OPERATIONS))
    together = apply(images, torch.arange(len(OPERATIONS)), values)
    alone = [apply(images[n : n + 1], torch.tensor([n]), values[n : n + 1])[0] for n in range(len(OPERATIONS))]
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("strengths", "theirs"),
    [
        (Strengths(0.3, 150 / 331 * 40, 150 / 331 * 32, 30, 0.9, 4), RandAugment()._augmentation_space(BINS, (32, 40))),
        (WIDE, TrivialAugmentWide()._augmentation_space(BINS)),
    ],
    ids=["randaugment", "trivialaugment"],
)
def test_magnitudes_are_those_of_torchvision(strengths, theirs):
    assert {NAMES[name] for name in OPERATIONS} == theirs.keys()
    for name, ours in zip(OPERATIONS, amounts(strengths), strict=True):
        magnitudes, signed = theirs[NAMES[name]]
        torch.testing.assert_close(ours, magnitudes.float().expand(BINS))
        assert (name in SIGNED) == signed


def test_randaugment_draws_every_operation_in_both_directions_at_its_magnitude():
    """A single bright column tells where it was moved to: translate_x at magnitude 30 is 14 of 32 pixels."""
    images = torch.zeros(4000, 1, 32, 32)
    images[..., 16] = 1
    found, _ = randaugment(images, torch.eye(2).repeat(2000, 1), generator(), ops=1, magnitude=30)
    columns = found[:, 0].mean(dim=1)
    for place in (2, 30):
        alone = (columns[:, place] > 0.99) & (columns.sum(dim=1) < 1.01)
        moved = alone.double().mean().item()
        assert moved == pytest.approx(1 / 28, abs=0.01)
    unchanged = (found == images).flatten(1).all(dim=1).double().mean().item()
    assert unchanged > 1 / 14  # identity, and what a black and white image does not show


def test_more_operations_change_more():
    images = pictures().float() / 255
    targets = torch.eye(IMAGES)
    images = images[2:3].repeat(300, 1, 1, 1)
    targets = targets[:1].repeat(300, 1)
    distances = [
        (randaugment(images, targets, generator(), ops=ops, magnitude=9)[0] - images).abs().mean() for ops in (1, 2, 4)
    ]
    assert distances[0] < distances[1] < distances[2]


def test_trivialaugment_draws_its_magnitude():
    images = torch.full((3000, 1, 8, 8), 0.4)
    found, _ = trivialaugment(images, torch.eye(2).repeat(1500, 1), generator())
    # On flat grey, brightness alone gives levels other than 0 (outside), .4, and those of posterize and solarize.
    levels = found[:, 0, 4, 4]
    assert len(levels[(levels > 0) & (levels < 0.4)].unique()) > 15
    assert levels.max() > 0.7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ops": 0}, "ops: found 0; allowed: 1 to 14"),
        ({"ops": 15}, "ops: found 15; allowed: 1 to 14"),
        ({"magnitude": 31}, "magnitude: found 31; allowed: 0 to 30"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        randaugment(torch.rand(2, 3, 8, 8), torch.eye(2), generator(), **options)


@pytest.mark.parametrize("shape", [(2, 2, 8, 8), (2, 3, 2, 8)])
def test_impossible_images_are_refused(shape):
    with pytest.raises(UserError, match=r"allowed: 1 \(grey\) or 3 \(RGB\) channels, at least 3 x 3 pixels"):
        randaugment(torch.rand(shape), torch.eye(2), generator())
