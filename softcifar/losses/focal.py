"""Focal loss (Lin et al., ICCV 2017): what the network is already sure of counts less."""

import math

import torch

from softcifar.losses.targets import Reduction, as_targets, reduce
from softcifar.params.options import require
from softcifar.params.ranges import NonNegative


def focal(
    logits: torch.Tensor, labels_or_targets: torch.Tensor, *, gamma: NonNegative = 2.0, reduction: Reduction = "mean"
) -> torch.Tensor:
    """-sum_k t_k (1 - p_k)^gamma log p_k with p = softmax(logits) (eq. 4 of the paper), in nats, in float32 at least.

    logits (B, K); labels (B,) integers or targets (B, K) probabilities (the sum over k is our extension; a one-hot t gives the
    paper's formula); gamma >= 0, and 0 gives the cross-entropy. Loss and gradient are finite for any finite logits of usual
    size and for -inf on classes without target mass. Returns a scalar, or (B,) with reduction 'none'.
    """
    require(0 <= gamma < math.inf, "gamma", gamma, "at least 0, finite")
    targets = as_targets(logits, labels_or_targets)
    log_probs = torch.log_softmax(logits.to(targets.dtype), dim=1)
    # (1 - p)^gamma has an infinite slope at p = 1 if gamma < 1; as exp(gamma log(1 - p)) its slope in the logits is bounded.
    weights = (gamma * _log_one_minus(log_probs)).exp()
    # 0 * -inf is nan, and so is its gradient: classes without mass are masked out before the product.
    return reduce(-(targets * weights * log_probs.masked_fill(targets == 0, 0)).sum(dim=1), reduction)


def _log_one_minus(log_probs: torch.Tensor) -> torch.Tensor:
    """log(1 - p_k) for every class, without cancellation. log_probs (B, K), rows with sum of exp 1; returns (B, K).

    Only the most probable class can be near 1: there 1 - p is the sum over the others. All others have p <= 1/2, where
    log1p(-p) is exact. Where p is 1 and all others 0, the lowest finite number stands for log 0: -inf would give nan with
    gamma 0 and in the gradient of logsumexp.
    """
    lowest = torch.finfo(log_probs.dtype).min
    top = log_probs.argmax(dim=1, keepdim=True)
    is_top = torch.arange(log_probs.shape[1], device=log_probs.device) == top
    others = log_probs.masked_fill(is_top, lowest).logsumexp(dim=1, keepdim=True)
    return torch.where(is_top, others, torch.log1p(-log_probs.masked_fill(is_top, -torch.inf).exp()))
