"""Maximum logit (Hendrycks et al. 2022)."""

import numpy as np

from softcifar.metrics.arrays import as_logits


def max_logit(logits: object) -> np.ndarray:
    """-max_k z_k, mean over samples; logits (..., S, N, K) -> (..., N). Hendrycks et al. 2022."""
    return -as_logits(logits).max(axis=-1).mean(axis=-2)
