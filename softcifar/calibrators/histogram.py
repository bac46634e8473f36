"""Histogram binning: per class the share of its label among validation images of about the same probability."""

from collections.abc import Callable

import numpy as np

from softcifar.calibrators.inputs import blended, fitting_inputs
from softcifar.metrics.arrays import as_count
from softcifar.metrics.predictive import predictive


def histogram(logits: object, labels_or_targets: object, *, bins: int = 10) -> Callable[[object], np.ndarray]:
    """Every class's probability becomes the mean target of its bin, then rows are divided by their sums.

    logits (S, N, K) of one run, labels (N,) or targets (N, K); bins: per class, of about equally many validation images, fewer
    where many images have the same probability. Blended with one image of no opinion (see `blended`). UserError for other
    shapes, ranges or no image. Zadrozny & Elkan 2001, section 3.
    """
    logits, targets = fitting_inputs(logits, labels_or_targets)
    cuts = np.linspace(0, 1, as_count(bins, "bins") + 1)[1:-1]
    probs = predictive(logits)
    edges = [np.unique(np.quantile(each, cuts)) for each in probs.T]
    means = [_means(each, *rest) for each, *rest in zip(probs.T, targets.T, edges, strict=True)]

    def calibrate(more: object) -> np.ndarray:
        columns = [
            mean[np.searchsorted(edge, each, side="left")]
            for each, edge, mean in zip(predictive(more).T, edges, means, strict=True)
        ]
        return blended(np.stack(columns, axis=1), len(targets))

    return calibrate


def _means(probs: np.ndarray, targets: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Mean target of each bin (lo, hi]; of the images up to the first edge, and so on. An empty bin has its middle."""
    place = np.searchsorted(edges, probs, side="left")
    counts = np.bincount(place, minlength=len(edges) + 1)
    sums = np.bincount(place, weights=targets, minlength=len(edges) + 1)
    ends = np.concatenate([[0.0], edges, [1.0]])
    return np.where(counts > 0, sums / np.maximum(counts, 1), (ends[1:] + ends[:-1]) / 2)
