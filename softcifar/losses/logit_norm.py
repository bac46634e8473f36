"""LogitNorm (Wei et al., ICML 2022): cross-entropy of the logits' direction, so that growing logits do not lower the loss."""

import math

import torch

from softcifar.losses.cross_entropy import cross_entropy
from softcifar.losses.targets import Reduction, as_targets
from softcifar.params.options import require
from softcifar.params.ranges import Positive

LEAST = 1e-7  # added to the norm, as the published code does: logits that are all 0 have no direction


def logit_norm(
    logits: torch.Tensor, labels_or_targets: torch.Tensor, *, temperature: Positive = 0.04, reduction: Reduction = "mean"
) -> torch.Tensor:
    """-sum_k t_k log softmax(z / (temperature |z|))_k, |z| the Euclidean norm of the logits; in nats, in float32 at least.

    logits (B, K); labels (B,) integers or targets (B, K) probabilities; temperature > 0: the smaller, the nearer the loss can
    come to 0, which it never reaches. Unlike other losses it changes where a constant is added to all logits. It does not say
    how long the logits should be, so their softmax means little until a temperature is fitted. A logit of -inf, allowed on
    classes without target mass, rules its class out and takes no part in the norm.
    Returns a scalar, or (B,) with reduction 'none'.
    """
    require(0 < temperature < math.inf, "temperature", temperature, "above 0, finite")
    logits = logits.to(as_targets(logits, labels_or_targets).dtype)
    out = logits == -torch.inf
    known = logits.masked_fill(out, 0)
    norms = torch.linalg.vector_norm(known, dim=1, keepdim=True) + LEAST
    return cross_entropy((known / norms / temperature).masked_fill(out, -torch.inf), labels_or_targets, reduction=reduction)
