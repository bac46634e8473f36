"""MixUp (Zhang et al. 2018): convex combinations of pairs of images and of their targets."""

import torch

from softcifar.augment.mixing import Share, draw_pairs, mix_targets
from softcifar.params.ranges import Positive


def mixup(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    weights: torch.Tensor | None = None,
    alpha: Positive = 0.2,
    q: Share = 1.0,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mix each image with a random partner of the batch, with its own lambda ~ Beta(alpha, alpha).

    images (B, C, H, W) in [0, 1]; targets (B, K) probabilities and weights (B,), mixed with the same lambda
    (softcifar.augment.mixing.mix_targets); q: probability that an image is mixed at all, or
    'match_human': as often as adds the entropy of people's labels (softcifar.training.matching).
    """
    partner, share = draw_pairs(len(images), alpha, q, generator, images.device)
    image_share = share.to(images.dtype)[:, None, None, None]
    mixed = image_share * images + (1 - image_share) * images[partner]
    return mixed, *mix_targets(targets, weights, partner, share)
