"""Losses from logits, each with integer labels or probability targets where defined (docs/methods.md, Losses)."""

from softcifar.losses.confidence_penalty import confidence_penalty
from softcifar.losses.cross_entropy import cross_entropy
from softcifar.losses.distillation import distillation
from softcifar.losses.door import offer
from softcifar.losses.focal import focal
from softcifar.losses.label_relaxation import label_relaxation
from softcifar.losses.logit_norm import logit_norm
from softcifar.losses.soft_bootstrapping import soft_bootstrapping

# What a student may name as its loss: functions of (logits, labels or targets). distillation is not among them, for it also
# needs a teacher's logits of the batch; the distill stage calls it.
LOSSES = {
    "cross_entropy": cross_entropy,
    "label_relaxation": label_relaxation,
    "focal": focal,
    "confidence_penalty": confidence_penalty,
    "soft_bootstrapping": soft_bootstrapping,
    "logit_norm": logit_norm,
}

__all__ = [
    "LOSSES",
    "confidence_penalty",
    "cross_entropy",
    "distillation",
    "focal",
    "label_relaxation",
    "logit_norm",
    "soft_bootstrapping",
]

# Whoever imports a loss from this package gets it with a check of its targets; LOSSES, which training reads, has them without.
CHECKED = offer(globals(), __all__)
