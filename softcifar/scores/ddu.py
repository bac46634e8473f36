"""Deep deterministic uncertainty's density: a Gaussian per class on features (Mukhoti et al. 2023, algorithm 1)."""

import numpy as np
from scipy.special import logsumexp

from softcifar.scores.gaussian import checked, factor, oas, squared_distance


def ddu(train: object, labels: object, features: object) -> np.ndarray:
    """Negative log density of the features, -log sum_k pi_k N(z; mu_k, S_k), float64 (M,); higher = more novel.

    train (N, D) with labels (N,): of the training images without augmentation; features (M, D). pi_k: the classes' shares; a
    class without images has none. S_k is the class's covariance with oracle approximating shrinkage, so that it is of full
    rank where a class has fewer images than dimensions (the paper adds the smallest multiple of the identity that
    factorises, and exponentiates, which overflows). UserError for other shapes, values that are not finite, or a class whose
    images all have the same features.
    """
    train, labels, features = checked(train, labels, features)
    terms = []
    for number in np.unique(labels):
        own = train[labels == number]
        mean = own.mean(axis=0)
        covariance, _ = oas(own - mean)
        lower = factor(covariance, f"training images of class {number}")
        log_determinant = 2 * np.log(np.diag(lower)).sum()
        constant = np.log(len(own) / len(train)) - 0.5 * (log_determinant + train.shape[1] * np.log(2 * np.pi))
        terms.append(constant - 0.5 * squared_distance(features, mean, lower))
    return -logsumexp(terms, axis=0)


def of_ensemble(scores: np.ndarray) -> np.ndarray:
    """Negative log of the members' mean density, -log mean_m exp(-score_m), float64 (N,); the density of a deep ensemble.

    scores (M, N): those of `ddu`, a row per member. Stays in log space, where densities neither overflow nor vanish.
    """
    return np.log(len(scores)) - logsumexp(-np.asarray(scores, np.float64), axis=0)
