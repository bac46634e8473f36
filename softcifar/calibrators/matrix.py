"""Matrix scaling: every class's logit may speak for every class."""

from collections.abc import Callable

import numpy as np

from softcifar.calibrators.affine import affine, fit_affine
from softcifar.calibrators.inputs import fitting_inputs, mean_logits
from softcifar.calibrators.temperature import temperature_for


def matrix(
    logits: object, labels_or_targets: object, *, beside: float = 0.1, bias: float = 1.0
) -> Callable[[object], np.ndarray]:
    """softmax(W z + b) with the lowest cross-entropy on validation and a ridge; z the logits of the mean prediction.

    Without a ridge it learns a few hundred images by heart (Guo et al. 2017, section 5), so what is beside the diagonal of
    T W and the shift have normal priors of the deviations `beside` and `bias`. Arguments and errors as in `vector`.
    """
    logits, targets = fitting_inputs(logits, labels_or_targets)
    fitted = fit_affine(mean_logits(logits), targets, temperature_for(logits, targets), beside=beside, bias=bias)
    return lambda more: affine(*fitted, mean_logits(more))
