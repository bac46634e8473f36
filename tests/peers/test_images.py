"""Corruptions and augmentations against Pillow, torchvision, scikit-image and scipy, on random images."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from scipy import stats
from torchvision.transforms.v2 import functional

from softcifar.augment import colour, tone
from softcifar.corruptions import CORRUPTIONS
from softcifar.data.shapes import SHAPES
from softcifar.methods.prediction import to_pixels
from tests.peers.conftest import peer

GENERATOR = torch.Generator().manual_seed(0)  # of corruptions that draw nothing


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> np.ndarray:
    """200 images of the shapes data set, uint8 (N, 32, 32, 3)."""
    folder = tmp_path_factory.mktemp("shapes")
    SHAPES.fetch(folder, train=200, test=60)
    return SHAPES.read(folder)["train"].images


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3)).astype(np.uint8)


def apart(ours: torch.Tensor, theirs: np.ndarray) -> torch.Tensor:
    """Difference in levels of 255; ours (N, C, H, W) in [0, 1], theirs (N, H, W, C) in [0, 1]."""
    return (255 * (ours - torch.as_tensor(np.ascontiguousarray(theirs)).permute(0, 3, 1, 2))).abs()


def by_pillow(images: np.ndarray, function) -> np.ndarray:
    return np.stack([np.asarray(function(Image.fromarray(image))) for image in images]) / 255


@pytest.mark.parametrize(("severity", "quality"), [(1, 80), (2, 65), (3, 58), (4, 50), (5, 40)])
def test_jpeg_is_nearly_pillows(drawn, severity, quality):
    """99 % of the values within 9 levels of 255 (a decoder's integer transform and filtered chroma), none beyond 40."""

    def pillow(image):
        file = io.BytesIO()
        image.save(file, "jpeg", quality=quality)
        return Image.open(file)

    ours = CORRUPTIONS["jpeg_dct"](to_pixels(torch.as_tensor(drawn)), severity, GENERATOR)
    difference = apart(ours, by_pillow(drawn, pillow))
    assert difference.mean() < 2
    assert difference.flatten().quantile(0.99) < 9
    assert difference.max() < 40


def test_pixelate_is_nearly_pillows(drawn):
    for severity, share in enumerate((0.95, 0.90, 0.85, 0.75, 0.65), start=1):
        few = int(32 * share)
        theirs = by_pillow(drawn, lambda image, few=few: image.resize((few, few), Image.BOX).resize((32, 32), Image.BOX))
        ours = CORRUPTIONS["pixelate"](to_pixels(torch.as_tensor(drawn)), severity, GENERATOR)
        assert apart(ours, theirs).max() <= 1.5  # Pillow rounds to 8 bits, twice


def test_gaussian_blur_is_scikit_images(drawn):
    skimage = peer("skimage.filters")
    for severity, spread in enumerate((0.4, 0.6, 0.7, 0.8, 1.0), start=1):
        theirs = np.stack([skimage.gaussian(image / 255, sigma=spread, channel_axis=-1, mode="nearest") for image in drawn])
        ours = CORRUPTIONS["gaussian_blur"](to_pixels(torch.as_tensor(drawn)), severity, GENERATOR)
        assert apart(ours, theirs).max() < 1e-3


@pytest.mark.parametrize("kind", ["drawn", "noise"])
def test_brightness_and_saturation_are_scikit_images_in_hsv(kind, request):
    skimage = peer("skimage.color")
    images = request.getfixturevalue(kind)
    hsv = np.stack([skimage.rgb2hsv(image / 255) for image in images])

    def back(saturation, value):
        changed = np.stack([hsv[..., 0], np.clip(saturation, 0, 1), np.clip(value, 0, 1)], axis=-1)
        return np.stack([skimage.hsv2rgb(image) for image in changed])

    pixels = to_pixels(torch.as_tensor(images))
    for severity, more in enumerate((0.05, 0.10, 0.15, 0.20, 0.30), start=1):
        ours = CORRUPTIONS["brightness"](pixels, severity, GENERATOR)
        assert apart(ours, back(hsv[..., 1], hsv[..., 2] + more)).max() < 1e-2
    for severity, (factor, more) in enumerate(((0.3, 0), (0.1, 0), (1.5, 0), (2.0, 0.1), (2.5, 0.2)), start=1):
        ours = CORRUPTIONS["saturate"](pixels, severity, GENERATOR)
        assert apart(ours, back(hsv[..., 1] * factor + more, hsv[..., 2])).max() < 1e-2


def test_noise_is_distributed_as_scikit_images():
    """Two samples of 12,288 values each at a grey from which nothing is clipped, at every severity."""
    skimage = peer("skimage.util")
    grey = torch.full((4, 3, 32, 32), 0.5)
    kinds = {
        "gaussian_noise": ("gaussian", (0.04, 0.06, 0.08, 0.09, 0.10)),
        "speckle_noise": ("speckle", (0.06, 0.10, 0.12, 0.16, 0.20)),
    }
    for name, (mode, spreads) in kinds.items():
        for severity, spread in enumerate(spreads, start=1):
            ours = CORRUPTIONS[name](grey, severity, torch.Generator().manual_seed(severity)).flatten()
            theirs = skimage.random_noise(grey.numpy(), mode=mode, var=spread**2, rng=severity).flatten()
            assert stats.ks_2samp(ours, theirs).pvalue > 0.001


def test_shot_noise_counts_as_scipys_poisson():
    for severity, photons in enumerate((500, 250, 100, 75, 50), start=1):
        grey = torch.full((4, 3, 32, 32), 0.3)
        counts = (photons * CORRUPTIONS["shot_noise"](grey, severity, torch.Generator().manual_seed(severity))).round()
        places = np.arange(stats.poisson.ppf(0.02, 0.3 * photons), stats.poisson.ppf(0.98, 0.3 * photons))
        found = np.array([(counts == place).sum() for place in places])
        expected = counts.numel() * stats.poisson.pmf(places, 0.3 * photons)
        rest = np.append(found, counts.numel() - found.sum()), np.append(expected, counts.numel() - expected.sum())
        assert stats.chisquare(*rest).pvalue > 0.001


@pytest.mark.parametrize("kind", ["drawn", "noise"])
def test_operations_on_levels_are_pillows(kind, request):
    images = request.getfixturevalue(kind)
    pixels, count = to_pixels(torch.as_tensor(images)), len(images)
    for bits in range(1, 9):
        theirs = by_pillow(images, lambda image, bits=bits: ImageOps.posterize(image, bits))
        assert apart(tone.posterize(pixels, torch.full((count,), bits)), theirs).max() < 1e-3
    for threshold in (0, 64, 128, 200, 255):
        theirs = by_pillow(images, lambda image, threshold=threshold: ImageOps.solarize(image, threshold))
        assert apart(tone.solarize(pixels, torch.full((count,), threshold)), theirs).max() < 1e-3
    assert apart(tone.equalize(pixels), by_pillow(images, ImageOps.equalize)).max() < 1e-3
    assert apart(tone.autocontrast(pixels), by_pillow(images, ImageOps.autocontrast)).max() <= 1.01  # rounded down there


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "sharpness", "hue"])
def test_colour_adjustments_are_torchvisions(noise, name):
    pixels = to_pixels(torch.as_tensor(noise))
    ours, theirs = getattr(colour, f"adjust_{name}"), getattr(functional, f"adjust_{name}")
    for amount in (-0.5, -0.1, 0.15, 0.4) if name == "hue" else (0.0, 0.4, 0.9, 1.3, 1.9):
        difference = ours(pixels, torch.full((len(noise),), amount)) - theirs(pixels, amount)
        assert difference.abs().max() < 2e-5
