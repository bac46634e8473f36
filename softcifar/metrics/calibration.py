"""Calibration errors: how far stated confidence is from the share of correct predictions.

Every error here but the class-wise one bins the *top label's* probability against "was the top label right?". Binning
the true class's probability instead is a published mistake: it scores a perfectly calibrated network badly and an
overconfident one well, because a true class with a low probability is then counted as a confident error.
"""

from typing import NamedTuple

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_count, as_probs_and_labels

# A confidence this near to a bin's edge is on the edge: 0.6 computed or stored in float32 is 0.60000002.
EDGE_TOLERANCE = 1e-7


class ReliabilityBins(NamedTuple):
    """Equal-width bins of [0, 1], in rising order; confidence and accuracy are NaN where a bin is empty."""

    counts: np.ndarray  # (bins,) int64, images
    confidence: np.ndarray  # (bins,) float64, mean probability of the top label
    accuracy: np.ndarray  # (bins,) float64, share of correct top labels


def bin_numbers(confidence: np.ndarray, bins: int, side: str) -> np.ndarray:
    """Number 0..bins-1 of the equal-width bin of each confidence in [0, 1].

    side "right": bins (lo, hi], and 0 belongs to the first. side "left": bins [lo, hi), and 1 belongs to the last.
    """
    if side not in ("left", "right"):
        raise UserError(f"side: {side!r} found; 'left' or 'right' (the closed side of a bin) is allowed")
    scaled = confidence * as_count(bins, "bins")
    edge = np.rint(scaled)
    scaled = np.where(np.abs(scaled - edge) <= EDGE_TOLERANCE * bins, edge, scaled)
    numbers = np.ceil(scaled) - 1 if side == "right" else np.floor(scaled)
    return np.clip(numbers, 0, bins - 1).astype(np.int64)


def top_label(probs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Confidence (N,) of the most probable class and whether it is right (N,), 1.0 or 0.0."""
    return probs.max(axis=1), (probs.argmax(axis=1) == labels).astype(np.float64)


def reliability_bins(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> ReliabilityBins:
    """Counts, mean confidence and accuracy in equal-width bins of the top label's probability (a reliability diagram).

    probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1; `side` is the closed side of a bin ("right":
    (lo, hi], as in Guo et al. 2017; "left": [lo, hi)). UserError for other shapes, ranges or no image.
    """
    confidence, correct = top_label(*as_probs_and_labels(probs, labels))
    numbers = bin_numbers(confidence, bins, side)
    counts = np.bincount(numbers, minlength=bins)
    filled = np.where(counts > 0, counts, np.nan)
    return ReliabilityBins(
        counts,
        np.bincount(numbers, weights=confidence, minlength=bins) / filled,
        np.bincount(numbers, weights=correct, minlength=bins) / filled,
    )


def _shares_confidence_accuracy(probs: object, labels: object, bins: int, side: str) -> tuple[np.ndarray, ...]:
    """Share of images, mean confidence and accuracy of the bins that are not empty."""
    counts, confidence, correct = reliability_bins(probs, labels, bins=bins, side=side)
    filled = counts > 0
    return counts[filled] / counts.sum(), confidence[filled], correct[filled]


def expected_calibration_error(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> float:
    """Top-label ECE in [0, 1]: sum over bins of (share of images) |accuracy - mean confidence|.

    probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1; side "right": bins (lo, hi], "left": [lo, hi).
    UserError for other shapes, ranges or no image. Naeini et al. 2015; Guo et al. 2017, equation 3.
    """
    share, confidence, correct = _shares_confidence_accuracy(probs, labels, bins, side)
    return float((share * np.abs(correct - confidence)).sum())


def maximum_calibration_error(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> float:
    """MCE in [0, 1]: the largest |accuracy - mean confidence| of the bins that hold an image, however few.

    probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1; side "right": bins (lo, hi], "left": [lo, hi).
    UserError for other shapes, ranges or no image. Naeini et al. 2015; Guo et al. 2017, equation 5.
    """
    _, confidence, correct = _shares_confidence_accuracy(probs, labels, bins, side)
    return float(np.abs(correct - confidence).max())


def overconfidence_error(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> float:
    """Overconfidence error in [0, 1]: sum over bins of (share of images) conf * max(conf - accuracy, 0).

    probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1; side "right": bins (lo, hi], "left": [lo, hi).
    UserError for other shapes, ranges or no image. Thulasidasan et al. 2019, section 3.1.
    """
    share, confidence, correct = _shares_confidence_accuracy(probs, labels, bins, side)
    return float((share * confidence * np.maximum(confidence - correct, 0)).sum())


def adaptive_calibration_error(probs: object, labels: object, *, bins: int = 15) -> float:
    """Top-label ECE in [0, 1] with bins of equal mass (N/bins images each, to within one) instead of equal width.

    Images of the same confidence share their accuracy before they are divided over bins, so that the order of the
    images does not matter. With fewer images than bins each image is a bin.
    probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1. UserError for other shapes, ranges or no image.
    Nguyen & O'Connor 2015; Nixon et al. 2019 (there over all classes).
    """
    confidence, correct = top_label(*as_probs_and_labels(probs, labels))
    values, where, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    shared = np.bincount(where, weights=correct) / counts
    gap = np.repeat(shared - values, counts)  # by rising confidence
    groups = np.array_split(gap, min(as_count(bins, "bins"), len(gap)))
    return float(sum(abs(group.sum()) for group in groups) / len(gap))


def classwise_calibration_error(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> float:
    """Class-wise ECE in [0, 1]: mean over classes k of sum_m |B_mk| / N |share of label k in B_mk - mean p_k in B_mk|.

    B_mk are the images whose p_k falls in bin m: every class's probability counts, not only the largest.
    probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1; side "right": bins (lo, hi], "left": [lo, hi).
    UserError for other shapes, ranges or no image. Kull et al. 2019, equation 4.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    images, classes = probs.shape
    # One number per (class, bin); |B| |freq - mean p| = |sum of (hit - p)|, so no division and no empty bin.
    numbers = bin_numbers(probs, bins, side) + bins * np.arange(classes)
    excess = np.eye(classes)[labels] - probs
    sums = np.bincount(numbers.ravel(), weights=excess.ravel(), minlength=classes * bins)
    return float(np.abs(sums).sum() / (images * classes))


def true_class_calibration_error(probs: object, labels: object, *, bins: int = 10) -> float:
    """What the Soft CIFAR study prints as ECE: sum of |B_m| / N |accuracy - mean p_y| over bins of p_y, in [0, 1].

    It bins the *true class's* probability p_y, so it measures no calibration and serves one purpose: to set our
    number beside that study's. probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1, of equal width,
    (lo, hi]. UserError for other shapes, ranges or no image.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    confidence = probs[np.arange(len(labels)), labels]
    _, correct = top_label(probs, labels)
    numbers = bin_numbers(confidence, bins, "right")
    gaps = np.bincount(numbers, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def by_true_class_calibration_error(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> float:
    """What Maher & Kull (2021) print as class-wise ECE: mean over the true classes of the top-label ECE of their images, in
    [0, 1].

    Within one true class even exact probabilities are not calibrated, so the best prediction does not score 0: it serves to
    set our number beside theirs. Classes without an image are left out.
    probs (N, K) probabilities, labels (N,) integers 0..K-1; bins >= 1; side "right": bins (lo, hi], "left": [lo, hi).
    UserError for other shapes, ranges or no image.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    each = [labels == label for label in np.unique(labels)]
    return float(np.mean([expected_calibration_error(probs[of], labels[of], bins=bins, side=side) for of in each]))
