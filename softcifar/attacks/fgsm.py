"""The fast gradient sign method (Goodfellow et al. 2015)."""

from collections.abc import Sequence

import torch

from softcifar.attacks.objective import Predictor, check_radius, input_gradient


def fgsm(
    predict: Predictor,
    images: torch.Tensor,
    labels: torch.Tensor,
    eps: Sequence[float],
    *,
    generator: torch.Generator | None = None,
) -> list[torch.Tensor]:
    """x + eps sign(grad_x of the loss), clipped to [0, 1], for each eps; one gradient serves them all.

    predict: images (B, C, H, W) in [0, 1], normalisation inside, to logits (S, B, K); labels (B,) integers. The loss is
    `attacked_loss` of softcifar.attacks.objective, whose gradient has the direction of cross-entropy's. eps: Linf radii in
    [0, 1], as shares of the pixel range; 0 gives the images themselves. generator: not used, nothing is drawn. Returns one
    tensor like `images` per eps. A pixel whose gradient is exactly 0 stays.
    """
    check_radius(*eps)
    direction = input_gradient(predict, images, labels).sign()
    return [(images + radius * direction).clamp(0, 1) for radius in eps]
