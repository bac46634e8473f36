"""Pad, crop and flip: the standard CIFAR augmentation (He et al. 2016, section 4.2)."""

from typing import Literal

import torch
import torch.nn.functional as F

from softcifar.errors import UserError
from softcifar.params.ranges import Fraction, Pixels


def crop_flip(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    padding: Pixels = 4,
    fill: Literal["zeros", "reflect"] = "zeros",
    flip: Fraction | Literal["alternate"] = 0.5,
    turn: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Shift each image by up to `padding` pixels in each direction, mirror it with probability `flip`.

    fill: what moves in, zeros or the image's own pixels mirrored at its edge. flip 'alternate': an image is mirrored in every
    second epoch, from the first one on or from the second, as drawn once (Jordan 2024, section 3.6); `turn`, bool (B,), says
    which images of this batch are.
    images (B, C, H, W) in [0, 1]; targets (B, K), returned as they are. UserError where an image has no such edge.
    """
    batch, _, height, width = images.shape
    if fill == "reflect" and padding >= min(height, width):
        raise UserError(
            f"augment.crop_flip.padding: found {padding} with fill: reflect and images of {height} x {width} pixels; "
            f"allowed there: at most {min(height, width) - 1}"
        )
    device = images.device
    top, left = torch.randint(2 * padding + 1, (2, batch), generator=generator, device=device)
    mirrored = turn if flip == "alternate" else torch.rand(batch, generator=generator, device=device) < flip
    rows = top[:, None] + torch.arange(height, device=device)  # (B, H)
    columns = torch.arange(width, device=device).expand(batch, width)
    columns = left[:, None] + torch.where(mirrored[:, None], columns.flip(1), columns)  # (B, W)
    # One gather of whole pixels: channels last, so that a pixel's channels lie together.
    if fill == "reflect":
        padded = F.pad(images, (padding, padding, padding, padding), mode="reflect").permute(0, 2, 3, 1)
    else:
        padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding))
    each = torch.arange(batch, device=device)[:, None, None]
    return padded[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2), targets
