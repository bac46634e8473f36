"""Sets of classes in the place of one answer: how often they hold it, and how large they are."""

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_array, as_labels, as_probs_table


def covered(sets: object, labels_or_targets: object) -> np.ndarray:
    """How much of the answer each set holds, float64 (N,) in [0, 1].

    sets (N, K) true where the class is in the set; labels (N,): 1 where the label is in it; targets (N, K): the probability
    that an answer drawn from them is (votes / number of votes: a person's answer). UserError for other shapes or values.
    """
    sets = _sets(sets)
    given = as_array(labels_or_targets, "labels")
    if given.ndim == 1:
        return sets[np.arange(len(sets)), as_labels(given, *sets.shape)].astype(np.float64)
    targets = as_probs_table(labels_or_targets, "targets")
    if targets.shape != sets.shape:
        raise UserError(f"targets: shape {targets.shape}; the shape of the sets, {sets.shape}, is allowed")
    return (sets * targets).sum(axis=1)


def set_sizes(sets: object) -> np.ndarray:
    """Number of classes in each set, int64 (N,), 0 to K; sets (N, K) of true and false."""
    return _sets(sets).sum(axis=1)


def class_coverage(sets: object, labels: object) -> np.ndarray:
    """Share of the images of each class whose set holds it, float64 (K,), NaN for a class without images."""
    sets = _sets(sets)
    labels = as_labels(labels, *sets.shape)
    counts = np.bincount(labels, minlength=sets.shape[1])
    held = np.bincount(labels, weights=covered(sets, labels), minlength=sets.shape[1])
    return held / np.where(counts > 0, counts, np.nan)


def _sets(sets: object) -> np.ndarray:
    sets = as_array(sets, "sets")
    if sets.ndim != 2 or sets.size == 0 or not np.isin(sets, (0, 1)).all():
        raise UserError(f"sets: shape {sets.shape}; (N, K) of true and false is allowed, a row per image")
    return sets.astype(bool)
