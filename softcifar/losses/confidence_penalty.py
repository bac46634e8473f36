"""Confidence penalty (Pereyra et al., ICLR workshop 2017): cross-entropy with a reward for entropy."""

import math

import torch

from softcifar.losses.entropy import entropy
from softcifar.losses.targets import Reduction, as_targets, reduce
from softcifar.params.options import require
from softcifar.params.ranges import NonNegative


def confidence_penalty(
    logits: torch.Tensor, labels_or_targets: torch.Tensor, *, beta: NonNegative = 0.1, reduction: Reduction = "mean"
) -> torch.Tensor:
    """-sum_k t_k log p_k - beta H(p) with p = softmax(logits), in nats, in float32 at least (section 3 of the paper).

    The entropy is subtracted from the loss, so a confident network pays more (one published implementation adds it).
    logits (B, K); labels (B,) integers or targets (B, K) probabilities; beta >= 0, and 0 gives the cross-entropy. The loss may
    be negative, down to -beta log K. -inf is allowed on classes without target mass.
    Returns a scalar, or (B,) with reduction 'none'.
    """
    require(0 <= beta < math.inf, "beta", beta, "at least 0, finite")
    targets = as_targets(logits, labels_or_targets)
    log_probs = torch.log_softmax(logits.to(targets.dtype), dim=1)
    # 0 * -inf is nan, and so is its gradient: classes without mass are masked out before the product.
    cross = -(targets * log_probs.masked_fill(targets == 0, 0)).sum(dim=1)
    return reduce(cross - beta * entropy(log_probs), reduction)
