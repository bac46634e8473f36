"""Losses from logits, each with integer labels or probability targets where defined (methods.md, section 2)."""

from softcifar.losses.cross_entropy import cross_entropy
from softcifar.losses.label_relaxation import label_relaxation

LOSSES = {
    "cross_entropy": cross_entropy,
    "label_relaxation": label_relaxation,
}

__all__ = ["LOSSES", "cross_entropy", "label_relaxation"]
