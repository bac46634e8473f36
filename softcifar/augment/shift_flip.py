"""Shifts and flips: the augmentation of the label-relaxation study (Lienen & Hüllermeier, AAAI 2021)."""

import torch
import torch.nn.functional as F

from softcifar.params.ranges import Fraction


def shift_flip(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    shift: Fraction = 0.1,
    flip: Fraction = 0.5,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Move each image by up to `shift` of its side in each direction, mirror it with probability `flip`.

    The two shifts are uniform, bilinear between pixels; the image's edge pixels are repeated beyond it.
    images (B, C, H, W) in [0, 1]; targets (B, K), returned as they are.
    """
    down, across, coin = torch.rand(3, len(images), generator=generator, device=images.device, dtype=images.dtype)
    mirror = torch.where(coin < flip, -1.0, 1.0)
    none = torch.zeros_like(mirror)
    # From the result's coordinates to the image's, both in [-1, 1] over the side, so that a shift counts twice.
    first = torch.stack([mirror, none, 2 * shift * (2 * across - 1)], dim=1)
    second = torch.stack([none, none + 1, 2 * shift * (2 * down - 1)], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False), targets
