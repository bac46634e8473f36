"""Temperature scaling: one number that makes a network as sure as its validation images justify."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from softcifar.calibrators.inputs import fitting_inputs, log_predictive
from softcifar.errors import UserError
from softcifar.metrics.arrays import as_labels, as_logits
from softcifar.metrics.likelihood import negative_log_likelihood
from softcifar.metrics.predictive import predictive

LOWEST, HIGHEST = 0.01, 100.0  # validation images that are all right (all wrong) would send T to 0 (to infinity)


def fit_temperature(logits: object, labels: object) -> float:
    """Temperature T in [0.01, 100] that minimises the NLL of mean_s softmax(z_s / T) on validation images.

    logits (S, N, K) of one run, labels (N,) integers 0..K-1. Brent's bounded search on log T; 1.0 where nothing better
    is found, so that the validation NLL never rises. UserError for other shapes, ranges or no image.
    Guo et al. 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar  # takes half a second to import, and training never scales

    logits = as_logits(logits)
    if logits.ndim != 3:
        raise UserError(f"logits: shape {logits.shape}; (S, N, K) of one run is allowed")
    labels = as_labels(labels, *logits.shape[1:])

    def nll(log_temperature: float) -> float:
        return negative_log_likelihood(predictive(logits, math.exp(log_temperature)), labels)

    bounds = (math.log(LOWEST), math.log(HIGHEST))
    best = minimize_scalar(nll, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(best.x) if best.fun < nll(0.0) else 1.0


def temperature(logits: object, labels_or_targets: object) -> Callable[[object], np.ndarray]:
    """The calibrator that divides logits by the temperature with the lowest cross-entropy to labels (N,) or targets (N, K).

    In the bounds of `fit_temperature` and in the same way; to labels it is the same temperature. Errors as above.
    """
    logits, targets = fitting_inputs(logits, labels_or_targets)
    return partial(predictive, temperature=temperature_for(logits, targets))


def temperature_for(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature with the lowest cross-entropy of mean_s softmax(z_s / T) to targets; logits (S, N, K), targets (N, K)."""
    from scipy.optimize import minimize_scalar  # as above

    def loss(log_temperature: float) -> float:
        return -float((targets * log_predictive(logits, math.exp(log_temperature))).sum()) / len(targets)

    bounds = (math.log(LOWEST), math.log(HIGHEST))
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(best.x) if best.fun < loss(0.0) else 1.0
