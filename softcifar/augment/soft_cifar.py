"""The augmentation of the Soft CIFAR study: colour jitter, flip, rotation and resized crop."""

import math

import torch
import torch.nn.functional as F

from softcifar.augment.colour import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from softcifar.errors import UserError
from softcifar.params.ranges import Fraction, NonNegative

SCALE, RATIO = (0.8, 1.0), (0.8, 1.2)  # area share and aspect ratio of the crop, as published


def soft_cifar(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    brightness: Fraction = 0.15,
    contrast: Fraction = 0.15,
    saturation: Fraction = 0.2,
    hue: Fraction = 0.15,
    rotation: NonNegative = 10.0,
    flip: Fraction = 0.5,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Jitter colours (four adjustments in an order drawn per image), then flip, rotate and take a resized crop.

    images (B, 3, H, W) in [0, 1]; targets (B, K), returned as they are; brightness, contrast, saturation: a factor in
    [1 - x, 1 + x]; hue: a shift of up to x turns; rotation: up to so many degrees, zeros outside the image; crop of area share
    0.8 to 1 and aspect ratio 0.8 to 1.2. Flip, rotation and crop are one bilinear resampling, so an image is blurred once.
    """
    if images.shape[1] != 3:
        raise UserError(f"augment: soft_cifar found images of {images.shape[1]} channel(s); allowed: 3 (RGB)")
    jittered = _jitter(images, generator, brightness, contrast, saturation, hue)
    grid = F.affine_grid(_crop_matrices(images, generator, rotation, flip), list(images.shape), align_corners=False)
    return F.grid_sample(jittered, grid, mode="bilinear", padding_mode="zeros", align_corners=False), targets


def _jitter(images: torch.Tensor, generator: torch.Generator, *strengths: float) -> torch.Tensor:
    batch, device = len(images), images.device
    adjustments = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
    draws = 2 * torch.rand(4, batch, generator=generator, device=device) - 1  # (4, B) in [-1, 1]
    amounts = draws * torch.tensor(strengths, device=device)[:, None]
    amounts[:3] += 1  # a factor around 1; the hue's is a shift around 0
    order = torch.rand(batch, 4, generator=generator, device=device).argsort(dim=1)
    images = images.clone()
    for place in range(4):
        for kind, adjust in enumerate(adjustments):
            at = (order[:, place] == kind).nonzero()[:, 0]
            images[at] = adjust(images[at], amounts[kind, at])
    return images


def _crop_matrices(images: torch.Tensor, generator: torch.Generator, rotation: float, flip: float) -> torch.Tensor:
    """(B, 2, 3) matrices from output to input coordinates, both in [-1, 1]: crop, then rotate, then flip."""
    batch, _, height, width = images.shape
    device = images.device
    area, log_ratio, across, down, angle, coin = torch.rand(6, batch, generator=generator, device=device)
    area = SCALE[0] + (SCALE[1] - SCALE[0]) * area
    ratio = torch.exp(math.log(RATIO[0]) + (math.log(RATIO[1]) - math.log(RATIO[0])) * log_ratio)
    # Sides as shares of the image's; one that would be larger than the image is cut to it, as a box inside the image.
    side_x = (area * ratio * height / width).sqrt().clamp(max=1)
    side_y = (area / ratio * width / height).sqrt().clamp(max=1)
    centre_x, centre_y = (1 - side_x) * (2 * across - 1), (1 - side_y) * (2 * down - 1)
    angle = (2 * angle - 1) * math.radians(rotation)
    cos, sin = angle.cos(), angle.sin()
    aspect = height / width
    mirror = torch.where(coin < flip, -1.0, 1.0)
    # Input = mirror * rotate * (side * output + centre), with the rotation taken in pixels (aspect corrects [-1, 1] units).
    first = torch.stack([mirror * cos * side_x, -mirror * sin * aspect * side_y,
                         mirror * (cos * centre_x - sin * aspect * centre_y)], dim=1)  # fmt: skip
    second = torch.stack([sin / aspect * side_x, cos * side_y, sin / aspect * centre_x + cos * centre_y], dim=1)
    return torch.stack([first, second], dim=1)
