"""Entropy of the prediction."""

import numpy as np
from scipy.special import entr

from softcifar.metrics.predictive import predictive


def predictive_entropy(logits: object) -> np.ndarray:
    """Entropy of the prediction, H(mean_s p_s), in nats, in [0, log K]; logits (..., S, N, K) -> (..., N)."""
    return entr(predictive(logits)).sum(axis=-1)
