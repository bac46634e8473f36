"""Free energy (Liu et al. 2020)."""

import numpy as np
from scipy.special import logsumexp

from softcifar.metrics.arrays import as_logits


def energy(logits: object) -> np.ndarray:
    """Free energy -logsumexp_k z_k, mean over samples; logits (..., S, N, K) -> (..., N). Liu et al. 2020, eq. 4."""
    return -logsumexp(as_logits(logits), axis=-1).mean(axis=-2)
