"""Accuracy and the two proper scores: negative log-likelihood and Brier score."""

import numpy as np

from softcifar.metrics.arrays import as_probs_and_labels

# A probability of exactly 0 for what happened would make a mean over thousands of images infinite (and no valid JSON);
# it counts as the smallest normal float64, that is 708 nats. A softmax in float64 gets there at a logit gap of 708.
SMALLEST = np.finfo(np.float64).tiny


def log(probs: np.ndarray) -> np.ndarray:
    """Natural logarithm of probabilities, finite also at 0 (see SMALLEST)."""
    return np.log(np.maximum(probs, SMALLEST))


def accuracy(probs: object, labels: object) -> float:
    """Share of images whose most probable class is the label, in [0, 1]; ties go to the lowest class number.

    probs (N, K) probabilities, labels (N,) integers 0..K-1. UserError for other shapes, ranges or no image.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    return float((probs.argmax(axis=1) == labels).mean())


def negative_log_likelihood(probs: object, labels: object) -> float:
    """Mean of -log p_y in nats, 0 or more (log loss); a p_y of exactly 0 counts 708 nats so that the mean is finite.

    probs (N, K) probabilities, labels (N,) integers 0..K-1. UserError for other shapes, ranges or no image.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    return float(-log(probs[np.arange(len(labels)), labels]).mean())


def brier_score(probs: object, labels: object) -> float:
    """Mean over images of sum_k (p_k - [k = y])^2, in [0, 2] (Brier 1950: the sum over classes, not their mean).

    probs (N, K) probabilities, labels (N,) integers 0..K-1. UserError for other shapes, ranges or no image.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    return float(((probs - np.eye(probs.shape[1])[labels]) ** 2).sum(axis=1).mean())
