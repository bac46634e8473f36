"""Maximum softmax probability (Hendrycks & Gimpel 2017)."""

import numpy as np

from softcifar.metrics.predictive import predictive


def max_probability(logits: object) -> np.ndarray:
    """1 - max_k p_k of the prediction, in [0, 1 - 1/K]; logits (..., S, N, K) -> (..., N). Hendrycks & Gimpel 2017."""
    probs = predictive(logits)
    # Summed from the other classes: 1 - p rounds to 0, a tie, for every image whose p is within 1e-16 of 1.
    np.put_along_axis(probs, probs.argmax(axis=-1, keepdims=True), 0.0, axis=-1)
    return probs.sum(axis=-1)
