"""Soft cutout: soft augmentation (Liu et al., CVPR 2023) with an erased square instead of a crop."""

import torch

from softcifar.augment.boxes import box_mask
from softcifar.augment.visibility import Mode, discount
from softcifar.params.options import require
from softcifar.params.ranges import Positive, PositiveFraction


def soft_cutout(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    weights: torch.Tensor | None = None,
    side: PositiveFraction = 1.0,
    k: Positive = 2.0,
    mode: Mode = "target_and_weight",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Erase a square whose sides are uniform in 0 to `side` of the image's, its centre uniform, cut at the edge.

    The visible fraction v is 1 less the erased share of the pixels; target and weight follow
    softcifar.augment.visibility.discount with exponent k, as `mode` says (hard: cutout of random size). The erased pixels
    become the mean colour of the batch. images (B, C, H, W) in [0, 1]; targets (B, K) probabilities; weights (B,), None: all
    1; side in (0, 1].
    """
    require(0 < side <= 1, "side", side, "above 0 and at most 1 (a share of the image's side)")
    shares = side * torch.rand(len(images), generator=generator, device=images.device, dtype=torch.float64)
    erased = box_mask(images, shares, shares, generator)
    visible = 1 - erased.double().mean(dim=(1, 2, 3))
    cut = torch.where(erased, images.mean(dim=(0, 2, 3), keepdim=True), images)
    return cut, *discount(targets, weights, visible, k=k, mode=mode)
