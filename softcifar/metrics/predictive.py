"""The predicted distribution, from logits (..., S, N, K): S samples of N images over K classes."""

from numbers import Real

import numpy as np
from scipy.special import softmax

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_logits


def predictive(logits: object, temperature: float = 1.0) -> np.ndarray:
    """Predicted distribution: mean over samples of softmax(z_s / T); logits (..., S, N, K) -> float64 (..., N, K).

    temperature > 0. UserError for other shapes, no image, or logits that are not finite.
    """
    if not (isinstance(temperature, Real) and 0 < temperature < np.inf):
        raise UserError(f"temperature: {temperature!r} found; a finite number above 0 is allowed")
    return softmax(as_logits(logits) / temperature, axis=-1).mean(axis=-3)
