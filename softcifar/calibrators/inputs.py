"""What the calibrators are fitted on: logits of one run, and labels or targets."""

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_array, as_labels, as_logits, as_probs_table


def fitting_inputs(logits: object, labels_or_targets: object) -> tuple[np.ndarray, np.ndarray]:
    """Logits (S, N, K) and targets (N, K), one-hot where labels (N,) are given, float64.

    UserError for other shapes, ranges, rows of targets that are no distribution, or no image.
    """
    logits = as_logits(logits)
    if logits.ndim != 3:
        raise UserError(f"logits: shape {logits.shape}; (S, N, K) of one run is allowed")
    if as_array(labels_or_targets, "labels").ndim == 1:
        return logits, np.eye(logits.shape[2])[as_labels(labels_or_targets, *logits.shape[1:])]
    targets = as_probs_table(labels_or_targets, "targets")
    if targets.shape != logits.shape[1:]:
        raise UserError(f"targets: shape {targets.shape}; {logits.shape[1:]} is allowed, a row per image of the logits")
    return logits, targets / targets.sum(axis=1, keepdims=True)


def log_predictive(logits: object, temperature: float = 1.0) -> np.ndarray:
    """log of the mean over samples of softmax(z_s / T), finite also where that rounds to 0; logits (S, N, K) -> (N, K)."""
    logits = as_logits(logits) / temperature
    logs = logits - log_sum_exp(logits, axis=-1)
    return logs[0] if len(logs) == 1 else log_sum_exp(logs, axis=0)[0] - np.log(len(logs))


def log_sum_exp(values: np.ndarray, axis: int) -> np.ndarray:
    """log sum exp with the axis kept. (SciPy's takes any library's arrays, for which a few hundred images wait five times.)"""
    largest = values.max(axis=axis, keepdims=True)
    return np.log(np.exp(values - largest).sum(axis=axis, keepdims=True)) + largest


def mean_logits(logits: object) -> np.ndarray:
    """Logits of the mean prediction, whose softmax it is: those of the network itself where there is one sample; -> (N, K)."""
    return log_predictive(logits) + log_sum_exp(as_logits(logits), axis=-1).mean(axis=-3)


def blended(probs: np.ndarray, images: int) -> np.ndarray:
    """Rows of non-negative numbers (N, K) as distributions that leave nothing out: as if one more image than the `images` of
    validation had said that all classes are alike. A row of zeros becomes uniform.

    What only counts says 0 of classes that few validation images are of, and a 0 for what then happens has no finite loss.
    """
    sums = probs.sum(axis=1, keepdims=True)
    shares = np.where(sums > 0, probs / np.where(sums > 0, sums, 1.0), 1 / probs.shape[1])
    return (images * shares + 1 / probs.shape[1]) / (images + 1)
