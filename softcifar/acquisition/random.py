"""Images at random, the strategy that every other one has to beat."""

import numpy as np


def random(count: int, seed: int) -> np.ndarray:
    """A random order of `count` images: every set of them is equally likely to be bought. float64 (N,), in [0, 1)."""
    return np.random.default_rng(seed).random(count)
