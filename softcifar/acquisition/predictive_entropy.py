"""Entropy of an ensemble's prediction."""

import numpy as np

from softcifar.scores.predictive_entropy import predictive_entropy as entropy


def predictive_entropy(member_logits: np.ndarray) -> np.ndarray:
    """H(mean_s p_s) in nats, float64 (N,) in [0, log K]; member_logits (S, N, K) of two members or more.

    It is high where members disagree, which labels settle, and where all of them see that an image is ambiguous, which none
    does. Lakshminarayanan et al. 2017; as a strategy Mukhoti et al. 2023.
    """
    return entropy(member_logits)
