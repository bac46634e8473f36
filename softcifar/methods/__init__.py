"""How a trained network predicts (methods.md, section 5): a function (classifier, images, ...) -> logits (S, B, K)."""

from softcifar.methods.mc_dropout import mc_dropout
from softcifar.methods.softmax import softmax

METHODS = {
    "softmax": softmax,
    "mc_dropout": mc_dropout,
}

__all__ = ["METHODS", "mc_dropout", "softmax"]
