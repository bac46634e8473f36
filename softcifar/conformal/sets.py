"""From scores of classes to sets that hold a promise: split conformal prediction."""

import math

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_array, as_floats, as_labels, as_probs_table

ROUNDING = 1e-9  # in images


def threshold(scores: object, labels_or_targets: object, *, miss: float) -> float:
    """The score up to which a class is in the set: the smallest one that holds the answers of (1 - miss)(N + 1) images.

    scores (N, K) of validation images; labels (N,) integers, or targets (N, K), of which each class counts with its
    probability; miss in (0, 1). Infinite where N is too small for the promise. UserError for other shapes or values.

    With labels, sets of further images like these hold the label with a probability of at least 1 - miss (Vovk et al. 2005;
    Papadopoulos et al. 2002), and on average over validation sets. With targets (votes / number of votes) it is the limit of
    many draws per image of Monte Carlo conformal prediction (Stutz et al. 2023, section 4): a person's answer takes the place
    of the label; what is proven there is 1 - 2 miss, what is seen is about 1 - miss.
    """
    if not 0 < miss < 1:
        raise UserError(f"miss: {miss!r} found; a number between 0 and 1 is allowed")
    scores = as_floats(scores, "scores")
    if scores.ndim != 2 or scores.size == 0 or np.isnan(scores).any():
        raise UserError(f"scores: shape {scores.shape} or NaN found; (N, K) numbers are allowed, a row per image")
    images, classes = scores.shape
    if as_array(labels_or_targets, "labels").ndim == 1:
        weights = np.eye(classes)[as_labels(labels_or_targets, images, classes)]
    else:
        weights = as_probs_table(labels_or_targets, "targets")
        if weights.shape != scores.shape:
            raise UserError(f"targets: shape {weights.shape}; the shape of the scores, {scores.shape}, is allowed")
    order = np.argsort(scores, axis=None, kind="stable")
    held = np.cumsum(weights.ravel()[order])
    place = np.searchsorted(held, (1 - miss) * (images + 1) - ROUNDING)
    return float(scores.ravel()[order[place]]) if place < len(order) else math.inf


def prediction_sets(scores: object, threshold: float) -> np.ndarray:
    """The sets, bool (N, K): every class whose score is at most the threshold; scores (N, K). A set may be empty."""
    return as_floats(scores, "scores") <= threshold
