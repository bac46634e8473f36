"""APS, adaptive prediction sets: the most probable classes until their sum is large enough."""

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_floats, as_probs_table


def aps(probs: object, draws: object = None) -> np.ndarray:
    """Sum of the probabilities above p_k plus u p_k, float64 (N, K) in [0, 1]. Romano et al. 2020, section 2.1.

    probs (N, K); draws (N,): u of each image, uniform in [0, 1]; None: u is 1 everywhere, which makes larger sets than
    promised. Equal probabilities stand in the order of the classes. UserError for other shapes or values.
    """
    probs = as_probs_table(probs)
    share = np.ones(len(probs)) if draws is None else as_floats(draws, "draws")
    if share.shape != (len(probs),) or not ((share >= 0) & (share <= 1)).all():
        raise UserError(f"draws: shape {share.shape}; ({len(probs)},) numbers from 0 to 1 are allowed, one per image")
    order = np.argsort(-probs, axis=1, kind="stable")
    ordered = np.take_along_axis(probs, order, axis=1)
    sums = np.cumsum(ordered, axis=1) - (1 - share[:, None]) * ordered
    scores = np.empty_like(probs)
    np.put_along_axis(scores, order, sums, axis=1)
    return scores
