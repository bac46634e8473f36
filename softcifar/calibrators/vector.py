"""Vector scaling: a factor and a shift for every class's logit."""

from collections.abc import Callable

import numpy as np

from softcifar.calibrators.affine import LOOSE, affine, fit_affine
from softcifar.calibrators.inputs import fitting_inputs, mean_logits
from softcifar.calibrators.temperature import temperature_for


def vector(logits: object, labels_or_targets: object) -> Callable[[object], np.ndarray]:
    """softmax(w_k z_k + b_k) with the lowest cross-entropy on validation; z the logits of the mean prediction.

    logits (S, N, K) of one run, labels (N,) or targets (N, K). UserError for other shapes, ranges or no image. Guo et al.
    2017, section 4.2.
    """
    logits, targets = fitting_inputs(logits, labels_or_targets)
    fitted = fit_affine(mean_logits(logits), targets, temperature_for(logits, targets), beside=0.0, bias=LOOSE)
    return lambda more: affine(*fitted, mean_logits(more))
