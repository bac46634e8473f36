"""Entropy of one network's prediction: uncertainty sampling."""

import numpy as np

from softcifar.scores.predictive_entropy import predictive_entropy


def softmax_entropy(logits: np.ndarray) -> np.ndarray:
    """H(p) in nats, float64 (N,) in [0, log K]; logits (S, N, K). Lewis & Gale 1994; Mukhoti et al. 2023, table 3.

    An image that people cannot tell either stays uncertain however many labels are bought, so a pool with such images leads
    this strategy astray.
    """
    return predictive_entropy(logits)
