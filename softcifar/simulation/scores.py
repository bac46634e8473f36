"""Scores of predictions at points whose exact label distribution is known."""

import numpy as np
from scipy.special import xlogy

from softcifar import metrics

# on the test points of one data set
SCORES = ("accuracy", "dense_accuracy", "sparse_accuracy", "nll", "ece", "classwise_ece", "ece_by_true_class", "kl")
CRITERIA = ("nll", "accuracy", "ece")  # validation scores that may choose
PROBABILITY_BINS = 10  # of the exact probability of the label


def scores(probs: np.ndarray, labels: np.ndarray, exact: np.ndarray, dense: np.ndarray, bins: int) -> dict[str, float]:
    """SCORES of probs (N, K); labels (N,), exact (N, K) the true distribution, dense (N,) whether from a dense region.

    dense_accuracy and sparse_accuracy: on the points drawn from such regions, NaN where there are none. kl: of the exact
    distribution from the prediction, nats. bins: of the calibration errors.
    """
    right = probs.argmax(axis=1) == labels
    return {
        "accuracy": metrics.accuracy(probs, labels),
        "dense_accuracy": float(right[dense].mean()) if dense.any() else float("nan"),
        "sparse_accuracy": float(right[~dense].mean()) if not dense.all() else float("nan"),
        "nll": metrics.negative_log_likelihood(probs, labels),
        "ece": metrics.expected_calibration_error(probs, labels, bins=bins),
        "classwise_ece": metrics.classwise_calibration_error(probs, labels, bins=bins),
        "ece_by_true_class": metrics.by_true_class_calibration_error(probs, labels, bins=bins),
        "kl": metrics.kl_divergence(exact, probs),
    }


def validation_scores(logits: np.ndarray, labels: np.ndarray, bins: int, temperature: float = 1.0) -> dict[str, float]:
    """CRITERIA of one network's logits (N, K) on validation points with labels (N,)."""
    probs = metrics.predictive(logits[None], temperature)
    return {
        "nll": metrics.negative_log_likelihood(probs, labels),
        "accuracy": metrics.accuracy(probs, labels),
        "ece": metrics.expected_calibration_error(probs, labels, bins=bins),
    }


def divergences(log_probs: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """KL of the exact distribution (N, K) from each of the predictions, log probabilities (M, N, K): (M, N), nats."""
    return xlogy(exact, exact).sum(axis=1) - (exact * log_probs).sum(axis=2)


def by_probability(values: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of values (M, N) within PROBABILITY_BINS equal bins of probability (N,), (M, bins), and the counts (bins,).

    A probability of exactly 1 belongs to the last bin.
    """
    number = np.minimum((probability * PROBABILITY_BINS).astype(np.int64), PROBABILITY_BINS - 1)
    sums = np.stack([np.bincount(number, weights=row, minlength=PROBABILITY_BINS) for row in values])
    return sums, np.bincount(number, minlength=PROBABILITY_BINS)
