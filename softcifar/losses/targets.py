"""What every loss shares: its targets as probabilities, and the reduction over the batch."""

from typing import Literal

import torch
import torch.nn.functional as F

from softcifar.errors import UserError

Reduction = Literal["mean", "sum", "none"]


def as_targets(logits: torch.Tensor, labels_or_targets: torch.Tensor) -> torch.Tensor:
    """Integer labels (B,) as one-hot, probabilities (B, K) as they are; in the dtype of the loss (at least float32)."""
    given = labels_or_targets
    dtype = torch.promote_types(logits.dtype, torch.float32)
    if logits.ndim != 2:
        raise UserError(f"logits: found shape {tuple(logits.shape)}; allowed: (B, K)")
    if given.shape == logits.shape and given.is_floating_point():
        return given.to(dtype)
    if given.shape == logits.shape[:1] and not given.is_floating_point() and given.dtype != torch.bool:
        return F.one_hot(given.long(), logits.shape[1]).to(dtype)
    raise UserError(
        f"labels_or_targets: found {given.dtype} of shape {tuple(given.shape)}; allowed: integer labels of shape "
        f"({len(logits)},) or probabilities of shape {tuple(logits.shape)}"
    )


def reduce(losses: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """The mean or sum of the per-image losses (B,), or those themselves with 'none'."""
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise UserError(f"reduction: found {reduction!r}; allowed: mean, sum, none")
