"""CutMix (Yun et al. 2019): a box of one image is pasted into another, and the targets are mixed by area."""

import torch

from softcifar.augment.boxes import box_mask
from softcifar.augment.mixing import Share, draw_pairs, mix_targets
from softcifar.params.ranges import Positive


def cutmix(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    weights: torch.Tensor | None = None,
    alpha: Positive = 0.2,
    q: Share = 1.0,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Paste into each image the same box of a random partner, of sides sqrt(1 - lambda) with lambda ~ Beta(alpha, alpha).

    The box has whole pixels, its centre is uniform, and what lies outside the image is cut off; lambda is then set to 1 less
    the share of pixels that were pasted (section 3.1 of the paper, which has alpha 1 and one lambda per batch; here every
    image has its own). images (B, C, H, W) in [0, 1]; targets (B, K) probabilities and weights (B,), mixed with that lambda
    (softcifar.augment.mixing.mix_targets); q: probability that an image is mixed at all, or
    'match_human': as often as adds the entropy of people's labels (softcifar.training.matching).
    """
    partner, share = draw_pairs(len(images), alpha, q, generator, images.device)
    side = (1 - share).sqrt()
    pasted = box_mask(images, side, side, generator)
    mixed = torch.where(pasted, images[partner], images)
    kept = 1 - pasted.double().mean(dim=(1, 2, 3))
    return mixed, *mix_targets(targets, weights, partner, kept)
