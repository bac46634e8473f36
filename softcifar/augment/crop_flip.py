"""Pad, crop and flip: the standard CIFAR augmentation (He et al. 2016, section 4.2)."""

import torch
import torch.nn.functional as F

from softcifar.params.ranges import Fraction, NonNegativeInt


def crop_flip(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    padding: NonNegativeInt = 4,
    flip: Fraction = 0.5,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Shift each image by up to `padding` pixels in each direction (zeros move in), mirror it with probability `flip`.

    images (B, C, H, W) in [0, 1]; targets (B, K), returned as they are.
    """
    batch, _, height, width = images.shape
    device = images.device
    top, left = torch.randint(2 * padding + 1, (2, batch), generator=generator, device=device)
    mirrored = torch.rand(batch, generator=generator, device=device) < flip
    rows = top[:, None] + torch.arange(height, device=device)  # (B, H)
    columns = torch.arange(width, device=device).expand(batch, width)
    columns = left[:, None] + torch.where(mirrored[:, None], columns.flip(1), columns)  # (B, W)
    # One gather of whole pixels: channels last, so that a pixel's channels lie together.
    padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding))
    each = torch.arange(batch, device=device)[:, None, None]
    return padded[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2), targets
