"""RAPS, regularised adaptive prediction sets: APS that pays for every class beyond the first ones."""

import numpy as np

from softcifar.conformal.aps import aps
from softcifar.metrics.arrays import as_probs_table


def raps(probs: object, draws: object = None, *, penalty: float = 0.1, free: int = 1) -> np.ndarray:
    """APS's score plus penalty * max(rank - free, 0), float64 (N, K). Angelopoulos et al. 2021, eq. 4.

    Arguments and errors as in `aps`; penalty >= 0 per class beyond the `free` most probable ones, whose rank is 1, 2 ... The
    paper tunes both on part of the validation images; here they are fixed, so that all of those images are left for the
    threshold.
    """
    probs = as_probs_table(probs)
    ranks = np.argsort(np.argsort(-probs, axis=1, kind="stable"), axis=1, kind="stable") + 1
    return aps(probs, draws) + penalty * np.maximum(ranks - free, 0)
