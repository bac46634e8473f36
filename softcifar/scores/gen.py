"""GEN, generalised entropy (Liu et al. 2023): an entropy that hears small probabilities."""

import numpy as np

from softcifar.metrics.predictive import predictive

GAMMA = 0.1  # of the paper; the smaller, the more small deviations from certainty count
CLASSES = 100  # at most so many of the most probable ones


def gen(logits: object) -> np.ndarray:
    """sum_k p_k^.1 (1 - p_k)^.1 over the 100 most probable classes of the prediction, 0 or more.

    logits (..., S, N, K) -> (..., N). Liu et al. 2023 (CVPR), eq. 3, whose score is its negative.
    """
    probs = np.sort(predictive(logits), axis=-1)
    # What the most probable class leaves, summed from the others: 1 - p rounds to 0 where p is within 1e-16 of 1.
    left = np.concatenate([1 - probs[..., :-1], probs[..., :-1].sum(axis=-1, keepdims=True)], axis=-1)
    return ((probs * left) ** GAMMA)[..., -CLASSES:].sum(axis=-1)
