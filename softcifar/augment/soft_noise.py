"""Soft noise: soft augmentation (Liu et al., CVPR 2023) with noise instead of a crop."""

import torch

from softcifar.augment.visibility import Mode, discount
from softcifar.params.options import require
from softcifar.params.ranges import Positive, PositiveFraction


def soft_noise(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    weights: torch.Tensor | None = None,
    level: PositiveFraction = 1.0,
    k: Positive = 2.0,
    mode: Mode = "target_and_weight",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Blend each image with uniform noise, (1 - s) image + s noise, s uniform in 0 to `level`.

    The noise is drawn per pixel and channel; a share s of 1 leaves nothing of the image, so the visible fraction is
    v = 1 - s. (This blend, which stays in [0, 1], is our choice of the noise.) Target and weight
    follow softcifar.augment.visibility.discount with exponent k, as `mode` says.
    images (B, C, H, W) in [0, 1]; targets (B, K) probabilities; weights (B,), None: all 1; level in (0, 1].
    """
    require(0 < level <= 1, "level", level, "above 0 and at most 1")
    share = level * torch.rand(len(images), generator=generator, device=images.device, dtype=torch.float64)
    noise = torch.rand(images.shape, generator=generator, device=images.device, dtype=images.dtype)
    blended = torch.lerp(images, noise, share.to(images.dtype)[:, None, None, None])
    return blended, *discount(targets, weights, 1 - share, k=k, mode=mode)
