"""Maximum of logits that are divided by their p-norm (Cattelan & Silva 2023): doubt without the logits' length."""

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_labels, as_logits
from softcifar.metrics.predictive import predictive
from softcifar.metrics.selective import aurc

ORDERS = range(1, 9)  # norms that validation chooses among


def normalised_max_logit(logits: object, *, order: float = 2.0) -> np.ndarray:
    """-max_k c_k / ||c||_p with c = z - mean_k z, mean over samples, in [-1, 0]; logits (..., S, N, K) -> (..., N).

    order: p >= 1. Higher = more doubtful; 0 where all logits are equal. Cattelan & Silva 2023, "MaxLogit-pNorm".
    """
    if not order >= 1:
        raise UserError(f"order: {order!r} found; a number of 1 or more is allowed")
    logits = as_logits(logits)
    centred = logits - logits.mean(axis=-1, keepdims=True)
    largest = np.abs(centred).max(axis=-1, keepdims=True)
    shares = centred / np.where(largest > 0, largest, 1.0)  # so that no power overflows
    length = (np.abs(shares) ** order).sum(axis=-1) ** (1 / order)
    return -(shares.max(axis=-1) / np.where(length > 0, length, 1.0)).mean(axis=-2)


def fit_order(logits: object, labels: object) -> int:
    """The p of ORDERS whose order of the validation images has the lowest AURC, the smallest of equally good ones.

    logits (S, N, K) of one run, labels (N,) integers 0..K-1. UserError for other shapes, ranges or no image.
    """
    logits = as_logits(logits)
    if logits.ndim != 3:
        raise UserError(f"logits: shape {logits.shape}; (S, N, K) of one run is allowed")
    wrong = predictive(logits).argmax(axis=1) != as_labels(labels, *logits.shape[1:])
    return min(ORDERS, key=lambda order: aurc(normalised_max_logit(logits, order=order), wrong))
