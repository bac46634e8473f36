"""Isotonic regression: per class the rising function that fits best, with straight lines between the images."""

from collections.abc import Callable

import numpy as np

from softcifar.calibrators.inputs import blended, fitting_inputs
from softcifar.metrics.predictive import predictive


def isotonic(logits: object, labels_or_targets: object) -> Callable[[object], np.ndarray]:
    """Every class's probability by isotonic regression of its target, then rows divided by their sums.

    Straight lines join the fitted values of the validation images, as in scikit-learn. logits (S, N, K) of one run, labels
    (N,) or targets (N, K). Fitted values are 0 of much, so results are blended with one image of no opinion (see
    `blended`). UserError for other shapes, ranges or no image. Zadrozny & Elkan 2002, section 5.
    """
    logits, targets = fitting_inputs(logits, labels_or_targets)
    steps = [_steps(*each) for each in zip(predictive(logits).T, targets.T, strict=True)]

    def calibrate(more: object) -> np.ndarray:
        columns = [np.interp(probs, *step) for probs, step in zip(predictive(more).T, steps, strict=True)]
        return blended(np.stack(columns, axis=1), len(targets))

    return calibrate


def _steps(probs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct probabilities, rising, and the best rising function there; straight lines between, flat outside."""
    from scipy.optimize import isotonic_regression  # takes half a second to import

    values, where, counts = np.unique(probs, return_inverse=True, return_counts=True)
    return values, isotonic_regression(np.bincount(where, weights=targets) / counts, weights=counts).x
