"""BALD by Monte Carlo dropout (Gal, Islam & Ghahramani 2017)."""

import numpy as np

from softcifar.scores.mutual_information import mutual_information


def bald(sample_logits: np.ndarray) -> np.ndarray:
    """Mutual information of label and weights in nats, float64 (N,) in [0, log min(S, K)]; sample_logits (S, N, K).

    The samples are passes with dropout, which stand for draws of the weights (Houlsby et al. 2011; Gal, Islam & Ghahramani
    2017, section 4).
    """
    return mutual_information(sample_logits)
