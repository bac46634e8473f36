"""Label relaxation (Lienen & Hüllermeier, AAAI 2021): every distribution that gives the label enough mass is a target."""

import torch

from softcifar.errors import UserError
from softcifar.losses.targets import Reduction, as_targets, reduce
from softcifar.params.ranges import OpenFraction


def label_relaxation(
    logits: torch.Tensor, labels_or_targets: torch.Tensor, *, alpha: OpenFraction = 0.1, reduction: Reduction = "mean"
) -> torch.Tensor:
    """The smallest KL(q || p) over the credal set of targets q, p = softmax(logits); in nats, in float32 at least.

    logits (B, K); labels (B,) integers: the set is {q : q_y >= 1 - alpha} (eq. 5 of the paper), so the loss is 0 where
    p_y >= 1 - alpha, else (1 - alpha) log((1 - alpha) / p_y) + alpha log(alpha / (1 - p_y)).
    Targets (B, K) probabilities: the set is {q : q_k >= (1 - alpha) t_k for all k}, our extension, which gives the formula
    above for a one-hot t. Its projection puts the lower bound on the classes where it binds and shares the rest in proportion
    to p. The projection is the minimiser, so the gradient is p - q outside the set and exactly 0 inside (Danskin).
    alpha in (0, 1); alpha -> 0 gives the cross-entropy less the entropy of t.
    Returns a scalar, or (B,) with reduction 'none'.
    """
    if not 0 < alpha < 1:
        raise UserError(f"alpha: found {alpha}; allowed: above 0 and below 1")
    targets = as_targets(logits, labels_or_targets)
    log_probs = torch.log_softmax(logits.to(targets.dtype), dim=1)
    lower = (1 - alpha) * targets
    with torch.no_grad():
        projection = _project(log_probs, lower)
        inside = (log_probs.exp() >= lower).all(dim=1)
        entropy = torch.xlogy(projection, projection).sum(dim=1)
    # A class where q is 0 costs nothing, and its -inf must not meet a product (0 * -inf is nan).
    cross = -(projection * log_probs.masked_fill(projection == 0, 0)).sum(dim=1)
    return reduce((entropy + cross).masked_fill(inside, 0), reduction)


def _project(log_probs: torch.Tensor, lower: torch.Tensor) -> torch.Tensor:
    """The q >= lower with sum 1 that is nearest to p in KL(q || p): q_k = max(lower_k, s p_k), with the s that sums to 1.

    Water-filling: classes sorted by lower_k / p_k; the ones above s sit on their bound, the others share what remains.
    log_probs, lower (B, K); returns (B, K).
    """
    ratio, order = (
        (lower.log() - log_probs).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).sort(dim=1, descending=True)
    )
    bound = lower.gather(1, order)
    sorted_log_probs = log_probs.gather(1, order)
    # With the first m classes on their bound, the rest have s_m = (1 - sum of bounds) / (their own probability), m = 0..K-1.
    rest_mass = 1 - (bound.cumsum(dim=1) - bound)
    rest_log_probs = sorted_log_probs.flip(1).logcumsumexp(dim=1).flip(1)
    log_scale = rest_mass.log() - rest_log_probs
    # The right m is the first at which the next class's bound no longer binds: ratio_m <= log s_m.
    first = (ratio <= log_scale).to(torch.int8).argmax(dim=1, keepdim=True)
    position = torch.arange(lower.shape[1], device=lower.device)[None]
    scale, log_rest = rest_mass.gather(1, first), rest_log_probs.gather(1, first)
    shared = scale * (sorted_log_probs - log_rest).exp()
    values = torch.where(position < first, bound, shared)
    return torch.zeros_like(lower).scatter(1, order, values)
