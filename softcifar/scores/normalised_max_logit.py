"""Maximum of logits that are divided by their p-norm (Cattelan & Silva 2023): doubt without the logits' length."""

import numpy as np

from softcifar.calibrators.inputs import mean_logits
from softcifar.errors import UserError
from softcifar.metrics.arrays import as_labels, as_logits
from softcifar.metrics.predictive import predictive
from softcifar.metrics.selective import aurc
from softcifar.scores.max_probability import max_probability

ORDERS = range(1, 9)  # norms that validation chooses among


def normalised_max_logit(logits: object, *, order: float | None = 2.0) -> np.ndarray:
    """-max_k c_k / ||c||_p with c = z - mean_k z, in [-1, 0]; logits (..., S, N, K) -> (..., N).

    z are the logits of the mean prediction: two sure samples that name different classes are no sure answer. order: p >= 1, or
    None for `max_probability` in its place, in [0, 1 - 1/K]. Higher = more doubtful; 0 where all logits are equal. Of two
    classes it is the same for all images. Cattelan & Silva 2023, "MaxLogit-pNorm".
    """
    if order is None:
        return max_probability(logits)
    if not order >= 1:
        raise UserError(f"order: {order!r} found; a number of 1 or more is allowed")
    samples = as_logits(logits)
    flat = samples.reshape(-1, *samples.shape[-3:])
    logits = np.stack([mean_logits(each) for each in flat]).reshape(*samples.shape[:-3], *samples.shape[-2:])
    centred = logits - logits.mean(axis=-1, keepdims=True)
    largest = np.abs(centred).max(axis=-1, keepdims=True)
    shares = centred / np.where(largest > 0, largest, 1.0)  # so that no power overflows
    length = (np.abs(shares) ** order).sum(axis=-1) ** (1 / order)
    return -shares.max(axis=-1) / np.where(length > 0, length, 1.0)


def fit_order(logits: object, labels: object) -> int | None:
    """The p of ORDERS whose order of the validation images has the lowest AURC, the smallest of equally good ones.

    None where none has a lower one than max probability (the paper's fallback), and of two classes, which no p orders. logits
    (S, N, K) of one run, labels (N,) integers 0..K-1. UserError for other shapes, ranges or no image.
    """
    logits = as_logits(logits)
    if logits.ndim != 3:
        raise UserError(f"logits: shape {logits.shape}; (S, N, K) of one run is allowed")
    wrong = predictive(logits).argmax(axis=1) != as_labels(labels, *logits.shape[1:])
    if logits.shape[2] == 2:
        return None
    areas = {order: aurc(normalised_max_logit(logits, order=order), wrong) for order in ORDERS}
    best = min(areas, key=areas.get)
    return best if areas[best] < aurc(max_probability(logits), wrong) else None
