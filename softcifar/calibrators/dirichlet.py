"""Dirichlet calibration: matrix scaling of log probabilities."""

from collections.abc import Callable

import numpy as np

from softcifar.calibrators.affine import affine, fit_affine
from softcifar.calibrators.inputs import fitting_inputs, log_predictive
from softcifar.calibrators.temperature import temperature_for


def dirichlet(
    logits: object, labels_or_targets: object, *, beside: float = 0.1, bias: float = 1.0
) -> Callable[[object], np.ndarray]:
    """softmax(W log p + b) with the lowest cross-entropy on validation; p the mean prediction. Kull et al. 2019, eq. 11.

    Penalised are what is beside the diagonal and the shift (as in their ODIR, section 3.3), by normal priors of the deviations
    `beside`, of T W, and `bias`. The paper chooses both weights by cross-validation; here they are fixed. To targets it is
    what Tao et al. 2026 call Dirichlet-Soft. Arguments and errors as in `vector`.
    """
    logits, targets = fitting_inputs(logits, labels_or_targets)
    fitted = fit_affine(log_predictive(logits), targets, temperature_for(logits, targets), beside=beside, bias=bias)
    return lambda more: affine(*fitted, log_predictive(more))
