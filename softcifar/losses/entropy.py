"""The entropy of a prediction, as a part of losses."""

import torch


def entropy(log_probs: torch.Tensor) -> torch.Tensor:
    """H(p) = -sum_k p_k log p_k in nats of log p (B, K): (B,). A class with log p -inf adds nothing, nor to the gradient."""
    # 0 * -inf is nan, and so is its gradient: such classes are masked out before the product.
    return -(log_probs.exp() * log_probs.masked_fill(log_probs == -torch.inf, 0)).sum(dim=1)
