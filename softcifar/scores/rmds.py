"""Relative Mahalanobis distance: to the nearest class, less that to all training images as one (Ren et al. 2021)."""

import numpy as np

from softcifar.scores.gaussian import checked, factor, oas, squared_distance
from softcifar.scores.mahalanobis import mahalanobis


def rmds(train: object, labels: object, features: object) -> np.ndarray:
    """min_k d_k(z) - d_0(z), float64 (M,), of either sign: what `mahalanobis` gives, less the distance to one background.

    d_0 = (z - mu_0)^T S_0^-1 (z - mu_0), with the mean and covariance of all training images whatever their class. train (N,
    D), labels (N,), features (M, D) as for `mahalanobis`; both covariances with oracle approximating shrinkage, where the paper
    and its implementations have none, which needs features of full rank. Ren et al. 2021. UserError as there.
    """
    nearest = mahalanobis(train, labels, features)
    train, _, features = checked(train, labels, features)
    mean = train.mean(axis=0)
    covariance, _ = oas(train - mean)
    return nearest - squared_distance(features, mean, factor(covariance, "training images"))
