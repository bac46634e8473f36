"""Cross-entropy with probability targets."""

import torch

from softcifar.losses.targets import Reduction, as_targets, reduce


def cross_entropy(logits: torch.Tensor, labels_or_targets: torch.Tensor, *, reduction: Reduction = "mean") -> torch.Tensor:
    """-sum_k t_k log p_k with p = softmax(logits), in nats, in float32 at least.

    logits (B, K); labels (B,) integers or targets (B, K) probabilities. A class without target mass costs nothing, whatever
    its logit (-inf too). Returns a scalar, or (B,) with reduction 'none'.
    """
    targets = as_targets(logits, labels_or_targets)
    log_probs = torch.log_softmax(logits.to(targets.dtype), dim=1)
    # 0 * -inf is nan, and so is its gradient: classes without mass are masked out before the product.
    return reduce(-(targets * log_probs.masked_fill(targets == 0, 0)).sum(dim=1), reduction)
