"""LAC, least ambiguous set-valued classifier: every class that is probable enough."""

import numpy as np

from softcifar.metrics.arrays import as_probs_table


def lac(probs: object, draws: object = None) -> np.ndarray:
    """1 - p_k, float64 (N, K) in [0, 1]; probs (N, K); draws nothing. Sadinle et al. 2019.

    The smallest sets on average, by giving up on images that are hard: theirs may be empty.
    """
    return 1 - as_probs_table(probs)
