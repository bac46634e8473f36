"""Erase a part of each image: cutout (DeVries & Taylor 2017) and random erasing (Zhong et al. 2020)."""

import math

import torch

from softcifar.augment.boxes import box_mask
from softcifar.params.options import require
from softcifar.params.ranges import Fraction, PositiveFraction

AREA, RATIO = (0.02, 0.33), (0.3, 3.3)  # of a randomly erased box: share of the image, height over width, as published


def cutout(
    images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator, *, side: PositiveFraction = 0.5
) -> tuple[torch.Tensor, torch.Tensor]:
    """Erase a square of `side` of the image's sides (16 of 32 pixels by default), its centre uniform, cut at the edge.

    It becomes the mean colour of the batch, which standardisation takes to about 0, as published. images (B, C, H, W) in
    [0, 1]; targets (B, K), returned as they are; side in (0, 1].
    """
    require(0 < side <= 1, "side", side, "above 0 and at most 1 (a share of the image's side)")
    shares = torch.full((len(images),), side, dtype=torch.float64, device=images.device)
    erased = box_mask(images, shares, shares, generator)
    return torch.where(erased, images.mean(dim=(0, 2, 3), keepdim=True), images), targets


def random_erasing(
    images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator, *, q: Fraction = 0.5
) -> tuple[torch.Tensor, torch.Tensor]:
    """With probability `q`, replace a random box by uniform noise, per pixel and channel (the paper's RE-R).

    The box's area is uniform in 2 to 33 % of the image, the logarithm of height over width in log .3 to log 3.3, its place
    uniform among those inside the image; a side longer than the image's is cut to it (the paper draws again).
    images (B, C, H, W) in [0, 1]; targets (B, K), returned as they are.
    """
    batch, _, height, width = images.shape
    device = images.device
    area, ratio, coin, down, across = torch.rand(5, batch, generator=generator, device=device)
    area = (AREA[0] + (AREA[1] - AREA[0]) * area) * height * width
    ratio = torch.exp(math.log(RATIO[0]) + (math.log(RATIO[1]) - math.log(RATIO[0])) * ratio)
    rows = _between((area * ratio).sqrt().round(), down, height)
    columns = _between((area / ratio).sqrt().round(), across, width)
    erased = (rows[:, :, None] & columns[:, None, :])[:, None] & (coin < q)[:, None, None, None]
    noise = torch.rand(images.shape, generator=generator, device=device, dtype=images.dtype)
    return torch.where(erased, noise, images), targets


def _between(side: torch.Tensor, place: torch.Tensor, size: int) -> torch.Tensor:
    """Which of `size` pixels lie in a part of `side` pixels that starts at the share `place` of what is free; (B, size)."""
    side = side.clamp(1, size)
    start = (place * (size - side + 1)).floor()[:, None]
    pixels = torch.arange(size, device=side.device)
    return (pixels >= start) & (pixels < start + side[:, None])
