"""Agreement of predicted distributions with people's, or with the exact label distribution where it is known.

`target_probs` (N, K) is votes / number of votes, or the exact distribution.
"""

import math

import numpy as np
from scipy.special import entr

from softcifar.metrics.arrays import as_probs, as_probs_pair
from softcifar.metrics.likelihood import log


def human_cross_entropy(probs: object, target_probs: object) -> float:
    """Mean of -sum_k t_k log p_k in nats, 0 or more (Peterson et al. 2019); log 0 counts -708 (see likelihood.py).

    probs, target_probs (N, K). UserError for other shapes, rows that are no distribution, or no image.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    return float(-(target_probs * log(probs)).sum(axis=1).mean())


def kl_divergence(target_probs: object, probs: object) -> float:
    """Mean of KL(t || p) = sum_k t_k log(t_k / p_k) in nats: cross-entropy less the part that no model can avoid.

    The target comes first, as in the formula; 0 log 0 = 0. target_probs, probs (N, K), rows that sum to 1.
    UserError for other shapes, rows that are no distribution, or no image.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    return float((target_probs * (log(target_probs) - log(probs))).sum(axis=1).mean())


def total_variation(probs: object, target_probs: object) -> float:
    """Mean of 1/2 sum_k |p_k - t_k|, in [0, 1]; 0 is best.

    probs, target_probs (N, K), rows that sum to 1. UserError for other shapes, rows that are no distribution, or no image.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    return float(np.abs(probs - target_probs).sum(axis=1).mean() / 2)


def brier_to_distribution(probs: object, target_probs: object) -> float:
    """Mean of sum_k (p_k - t_k)^2, in [0, 2]; the Brier score where the target is one-hot.

    probs, target_probs (N, K), rows that sum to 1. UserError for other shapes, rows that are no distribution, or no image.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    return float(((probs - target_probs) ** 2).sum(axis=1).mean())


def second_guess_accuracy(probs: object, target_probs: object) -> float:
    """Share of images whose second most probable class is people's second choice, among those where people disagree.

    People disagree where at least two classes have a target above 0. Where several classes tie for people's second
    place each of them counts as right; the model's ties go to the lowest class number. NaN where people never disagree.
    In [0, 1]. probs, target_probs (N, K), rows that sum to 1. UserError for other shapes, rows that are no distribution, or no
    image. Peterson et al. 2019, "second best accuracy".
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    second_choice = np.sort(target_probs, axis=1)[:, -2]
    disagree = second_choice > 0
    if not disagree.any():
        return math.nan
    guess = np.argsort(-probs, axis=1, kind="stable")[:, 1]
    target_of_guess = target_probs[np.arange(len(guess)), guess]
    return float((target_of_guess == second_choice)[disagree].mean())


def entropy(probs: object) -> np.ndarray:
    """Shannon entropy -sum_k p_k log p_k in nats, in [0, log K]; probs (..., K) -> float64 (...)."""
    return entr(as_probs(probs)).sum(axis=-1)


def entropy_correlation(probs: object, target_probs: object) -> float:
    """Pearson correlation over images of the entropies of prediction and target, in [-1, 1].

    High where the model is uncertain about the images that people are uncertain about. NaN where either entropy is the same for
    all images. probs, target_probs (N, K), rows that sum to 1. UserError for other shapes, rows that are no distribution, or no
    image.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    ours, theirs = entropy(probs), entropy(target_probs)
    if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        return math.nan
    return float(np.clip(np.corrcoef(ours, theirs)[0, 1], -1, 1))


def entropy_rank_correlation(probs: object, target_probs: object) -> float:
    """Spearman correlation of the entropies of prediction and target: are the images ranked alike by uncertainty?

    Unlike `entropy_correlation` it does not change with the scale of the entropies. In [-1, 1]; NaN where either entropy is
    the same for all images. probs, target_probs (N, K), rows that sum to 1. UserError for other shapes, rows that are no
    distribution, or no image.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    return rank_correlation(entropy(probs), entropy(target_probs))


def rank_correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Spearman correlation of two scores (N,): Pearson's of the ranks, ties at their mean rank; NaN where one is constant."""
    from scipy.stats import rankdata  # half a second to import, and every stage imports the metrics

    ours, theirs = rankdata(ours), rankdata(theirs)
    if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        return math.nan
    return float(np.clip(np.corrcoef(ours, theirs)[0, 1], -1, 1))


def same_prediction(probs: object, other_probs: object) -> float:
    """Share of images to which both give the same most probable class, in [0, 1]; ties go to the lowest class number.

    probs, other_probs (N, K), rows that sum to 1. UserError for other shapes, rows that are no distribution, or no image.
    """
    probs, other_probs = as_probs_pair(probs, other_probs)
    return float((probs.argmax(axis=1) == other_probs.argmax(axis=1)).mean())
