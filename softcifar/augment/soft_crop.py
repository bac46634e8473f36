"""Soft crop (Liu et al., CVPR 2023): crops far beyond the image's edge, with targets and weights that follow what is left."""

import math

import torch

from softcifar.augment.visibility import Mode, discount
from softcifar.params.options import require
from softcifar.params.ranges import Fraction, Positive, PositiveFraction


def soft_crop(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    weights: torch.Tensor | None = None,
    sigma: PositiveFraction = 0.375,
    k: Positive = 2.0,
    mode: Mode = "target_and_weight",
    flip: Fraction = 0.5,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Shift each image by t_x, t_y ~ N(0, sigma^2), mirror it with probability `flip`; the rest of the frame is background.

    sigma: in sides of the image (12 of 32 pixels by default), in (0, 1]; a shift is redrawn while it exceeds the side, then
    truncated toward zero to whole pixels. With v = (1 - |t_x| / W) (1 - |t_y| / H) the visible fraction, target and weight
    follow softcifar.augment.visibility.discount with exponent k, as `mode` says: target_and_weight (the paper), published (its
    code), target, weight, or hard (the same crops, neither softened nor weighted). The background is the mean colour of the
    batch, which is close to that of the data (the paper asks for a colour near the mean) and needs no number from outside.
    images (B, C, H, W) in [0, 1]; targets (B, K) probabilities; weights (B,), None: all 1.
    """
    require(0 < sigma <= 1, "sigma", sigma, "above 0 and at most 1 (a share of the image's side)")
    batch, _, height, width = images.shape
    device = images.device
    draws = torch.rand(3, batch, generator=generator, device=device, dtype=torch.float64)
    down, across = offsets(draws[0], sigma, height), offsets(draws[1], sigma, width)
    visible = (1 - down.abs() / height) * (1 - across.abs() / width)
    columns = torch.arange(width, device=device).expand(batch, width)
    columns = torch.where(draws[2, :, None] < flip, columns.flip(1), columns) + across[:, None]
    rows = torch.arange(height, device=device) + down[:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]  # (B, H, W)
    each = torch.arange(batch, device=device)[:, None, None]
    # One gather of whole pixels: channels last, so that a pixel's channels lie together.
    pixels = images.permute(0, 2, 3, 1)
    sampled = pixels[each, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    background = images.mean(dim=(0, 2, 3))
    cropped = torch.where(inside[..., None], sampled, background).permute(0, 3, 1, 2)
    return cropped, *discount(targets, weights, visible, k=k, mode=mode)


def offsets(uniform: torch.Tensor, sigma: float, side: int) -> torch.Tensor:
    """N(0, (sigma side)^2) redrawn while beyond +-side, truncated toward zero; int64.

    uniform: draws in [0, 1), float64, any shape. What redrawing gives is the normal law cut off at +-side, whose quantile
    function needs one draw each.
    """
    within = math.erf(1 / (sigma * math.sqrt(2)))
    exact = math.sqrt(2) * sigma * side * torch.erfinv((2 * uniform - 1) * within)
    return exact.clamp(-side, side).trunc().long()
