"""Mahalanobis distance to the nearest class, one covariance for all (Lee et al. 2018)."""

import numpy as np

from softcifar.scores.gaussian import checked, factor, oas, squared_distance


def mahalanobis(train: object, labels: object, features: object) -> np.ndarray:
    """min_k (z - mu_k)^T S^-1 (z - mu_k), float64 (M,); higher = more novel (Lee et al. 2018, eq. 2, without the sign).

    train (N, D) with labels (N,): of the training images without augmentation; features (M, D). S is the covariance of the
    deviations from the class means, with oracle approximating shrinkage. Penultimate features only, without
    the other layers of the paper, whose weights are fitted on novel images; its perturbation of inputs is
    `mahalanobis_perturbed`. UserError as in `ddu`.
    """
    train, labels, features = checked(train, labels, features)
    classes, place = np.unique(labels, return_inverse=True)
    means = np.stack([train[labels == number].mean(axis=0) for number in classes])
    covariance, _ = oas(train - means[place])
    lower = factor(covariance, "training images")
    return np.min([squared_distance(features, mean, lower) for mean in means], axis=0)
