"""Relative Mahalanobis distance: to the nearest class, less that to all training images as one (Ren et al. 2021)."""

import numpy as np
from scipy.linalg import pinvh

from softcifar.scores.gaussian import checked


def rmds(train: object, labels: object, features: object) -> np.ndarray:
    """min_k (z - mu_k)^T S^+ (z - mu_k) - (z - mu_0)^T S_0^+ (z - mu_0), float64 (M,), of either sign.

    mu_k: the classes' means, S the covariance of the deviations from them; mu_0, S_0: mean and covariance of all training
    images, whatever their class. train (N, D), labels (N,), features (M, D), see softcifar.scores.inputs. What all classes
    share cancels, so the covariances are not shrunk, unlike those of `mahalanobis`: shrunk by different amounts they would
    leave some of it. Directions without any variance count in neither term (pseudo-inverse). Ren et al. 2021. UserError for
    other shapes or values that are not finite.
    """
    train, labels, features = checked(train, labels, features)
    classes, place = np.unique(labels, return_inverse=True)
    means = np.stack([train[labels == number].mean(axis=0) for number in classes])
    within, middle = _precision(train - means[place]), train.mean(axis=0)
    nearest = np.min([_squares(features - mean, within) for mean in means], axis=0)
    return nearest - _squares(features - middle, _precision(train - middle))


def _precision(deviations: np.ndarray) -> np.ndarray:
    return pinvh(deviations.T @ deviations / len(deviations))


def _squares(points: np.ndarray, precision: np.ndarray) -> np.ndarray:
    return ((points @ precision) * points).sum(axis=1)
