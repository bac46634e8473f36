"""Soft bootstrapping (Reed et al., ICLR workshop 2015): the target is part label, part the network's own prediction."""

import torch

from softcifar.losses.cross_entropy import cross_entropy
from softcifar.losses.entropy import entropy
from softcifar.losses.targets import Reduction, reduce
from softcifar.params.options import require
from softcifar.params.ranges import Fraction


def soft_bootstrapping(
    logits: torch.Tensor, labels_or_targets: torch.Tensor, *, beta: Fraction = 0.95, reduction: Reduction = "mean"
) -> torch.Tensor:
    """-sum_k (beta t_k + (1 - beta) p_k) log p_k with p = softmax(logits), in nats, in float32 at least (equation 6).

    That is beta CE(t, p) + (1 - beta) H(p), differentiated through p wherever it stands: the network is also rewarded for
    being sure. With the target's p held fixed the gradient would be beta (p - t), cross-entropy's own but for its length.
    logits (B, K); labels (B,) integers or targets (B, K) probabilities; beta in [0, 1], and 1 gives the cross-entropy. -inf is
    allowed on classes without target mass. Returns a scalar, or (B,) with reduction 'none'.
    """
    require(0 <= beta <= 1, "beta", beta, "0 to 1")
    cross = cross_entropy(logits, labels_or_targets, reduction="none")
    log_probs = torch.log_softmax(logits.to(cross.dtype), dim=1)
    return reduce(beta * cross + (1 - beta) * entropy(log_probs), reduction)
