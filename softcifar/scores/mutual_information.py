"""Disagreement of samples or members (Houlsby et al. 2011)."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from softcifar.metrics.arrays import as_logits


def mutual_information(logits: object) -> np.ndarray:
    """Disagreement of the samples, H(mean_s p_s) - mean_s H(p_s), in nats, in [0, log min(S, K)]; 0 for S = 1.

    logits (..., S, N, K) -> (..., N). Houlsby et al. 2011 (BALD). Computed as mean_s KL(p_s || mean p), which is the
    same number without the difference of two nearly equal entropies.
    """
    log_probs = log_softmax(as_logits(logits), axis=-1)
    log_mean = logsumexp(log_probs, axis=-3, keepdims=True) - np.log(log_probs.shape[-3])
    divergence = (np.exp(log_probs) * (log_probs - log_mean)).sum(axis=-1).mean(axis=-2)
    return np.maximum(divergence, 0.0)
