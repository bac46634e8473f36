"""MixUp (Zhang et al. 2018): convex combinations of pairs of images and of their targets."""

import torch

from softcifar.ranges import Fraction, Positive


def mixup(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    alpha: Positive = 0.2,
    q: Fraction = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image with a random partner of the batch, with its own lambda ~ Beta(alpha, alpha).

    images (B, C, H, W) in [0, 1]; targets (B, K) probabilities, mixed with the same lambda; q: probability that an image is
    mixed at all.
    """
    batch, device = len(images), images.device
    partner = torch.randperm(batch, generator=generator, device=device)
    first, second = _gamma(alpha, (2, batch), generator, device)
    share = first / (first + second)
    kept = torch.rand(batch, generator=generator, device=device) >= q
    share = torch.where(kept, 1.0, share).to(images.dtype)  # (B,)
    image_share, target_share = share[:, None, None, None], share[:, None].to(targets.dtype)
    return (
        image_share * images + (1 - image_share) * images[partner],
        target_share * targets + (1 - target_share) * targets[partner],
    )


def _gamma(alpha: float, shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """Gamma(alpha) draws in float64: torch's own sampler is the one that takes a generator and a tensor of shapes."""
    concentration = torch.full(shape, float(alpha), dtype=torch.float64, device=device)
    # A draw can underflow to 0 for small alpha; a pair of zeros would give 0 / 0.
    return torch._standard_gamma(concentration, generator=generator).clamp_min(torch.finfo(torch.float64).tiny)
