"""Isotonic regression: per class the rising step function that fits best."""

from collections.abc import Callable

import numpy as np

from softcifar.calibrators.inputs import blended, fitting_inputs
from softcifar.metrics.predictive import predictive


def isotonic(logits: object, labels_or_targets: object) -> Callable[[object], np.ndarray]:
    """Every class's probability by isotonic regression of its target, then rows divided by their sums.

    logits (S, N, K) of one run, labels (N,) or targets (N, K). The steps say 0 of much, so results are blended with one image
    of no opinion (see `blended`). UserError for other shapes, ranges or no image. Zadrozny & Elkan 2002, section 5.
    """
    from sklearn.isotonic import IsotonicRegression  # takes seconds to import

    logits, targets = fitting_inputs(logits, labels_or_targets)
    probs = predictive(logits)
    steps = [
        IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(*each) for each in zip(probs.T, targets.T, strict=True)
    ]

    def calibrate(more: object) -> np.ndarray:
        columns = predictive(more).T
        return blended(np.stack([step.predict(each) for step, each in zip(steps, columns, strict=True)], axis=1), len(targets))

    return calibrate
