"""Disagreement of an ensemble's members."""

import numpy as np

from softcifar.scores.mutual_information import mutual_information as disagreement


def mutual_information(member_logits: np.ndarray) -> np.ndarray:
    """H(mean_s p_s) - mean_s H(p_s) in nats, float64 (N,) in [0, log min(S, K)]; member_logits (S, N, K), two members or more.

    Where all members see the same ambiguity it is 0, so such an image is not meant to be bought. Houlsby et al. 2011; of an
    ensemble Beluch et al. 2018 and Mukhoti et al. 2023.
    """
    return disagreement(member_logits)
