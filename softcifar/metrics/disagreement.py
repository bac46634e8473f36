"""Calibration where people disagree (Baan et al. 2022): there is no one right answer, so predictions are held against all.

`target_probs` (N, K) is votes / number of votes, or the exact distribution. Their distribution calibration error (DistCE) is
`total_variation` in agreement.py.
"""

import math

import numpy as np

from softcifar.metrics.agreement import entropy
from softcifar.metrics.arrays import as_count, as_probs_pair


def entropy_calibration_error(probs: object, target_probs: object) -> float:
    """Mean of |H(p) - H(t)| in nats, 0 to log K: is the network as undecided about each image as people are?

    probs, target_probs (N, K). UserError for other shapes, rows that are no distribution, or no image. Baan et al. 2022,
    section 4 (EntCE), there signed and shown image by image; see `entropy_excess`.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    return float(np.abs(entropy(probs) - entropy(target_probs)).mean())


def entropy_excess(probs: object, target_probs: object) -> float:
    """Mean of H(p) - H(t) in nats, -log K to log K: above 0 the network is more undecided than people, below 0 less.

    Arguments and errors as above; 0 does not mean that single images agree.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    return float((entropy(probs) - entropy(target_probs)).mean())


def rank_agreement(probs: object, target_probs: object, *, first: int = 2) -> float:
    """Share of the images on which people disagree whose `first` most probable classes are people's, in the same order.

    In [0, 1]. People disagree where at least two classes have a target above 0. Where people's classes tie, any order of them
    counts as right; the model's ties go to the lowest class number. NaN where people never disagree. Arguments and errors as
    above. Baan et al. 2022, section 4 (RankCS, there over all classes).
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    first = min(as_count(first, "first"), probs.shape[1])
    ranked = -np.sort(-target_probs, axis=1)
    disagree = disputed(target_probs)
    if not disagree.any():
        return math.nan
    guess = np.argsort(-probs, axis=1, kind="stable")[:, :first]
    same = np.take_along_axis(target_probs, guess, axis=1) == ranked[:, :first]
    return float(same.all(axis=1)[disagree].mean())


def disputed(target_probs: np.ndarray) -> np.ndarray:
    """Whether at least two classes have a target above 0: bool (N,)."""
    return (target_probs > 0).sum(axis=1) > 1
