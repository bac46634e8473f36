"""Gaussians in many dimensions from few points: shrunken covariances, distances without an inverse."""

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_array, as_floats


def checked(train: object, labels: object, features: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training features float64 (N, D), labels int64 (N,) and features float64 (M, D). UserError for what does not fit."""
    train, labels, features = as_floats(train, "train"), as_array(labels, "labels"), as_floats(features, "features")
    if train.ndim != 2 or labels.shape != train.shape[:1] or features.ndim != 2 or features.shape[1:] != train.shape[1:]:
        raise UserError(f"features: shapes {train.shape}, {labels.shape}, {features.shape}; (N, D), (N,), (M, D) are needed")
    for name, array in (("train", train), ("features", features)):
        if not np.isfinite(array).all():
            raise UserError(f"{name}: found a value that is not finite; only finite features are allowed")
    return train, labels.astype(np.int64), features


def oas(deviations: np.ndarray) -> tuple[np.ndarray, float]:
    """Covariance (D, D) of n deviations (n, D) from their mean, shrunk towards a multiple of the identity, and the shrinkage.

    S = (1 - rho) S_n + rho tr(S_n) / D I with the oracle approximating shrinkage rho in [0, 1] (Chen, Wiesel, Eldar and Hero
    2010, eq. 23), S_n with denominator n. Of full rank for any n >= 1, D >= 1, unless all deviations are 0.
    """
    count, dimension = deviations.shape
    covariance = deviations.T @ deviations / count
    trace, squares = np.trace(covariance), (covariance**2).sum()
    numerator = (1 - 2 / dimension) * squares + trace**2
    denominator = (count + 1 - 2 / dimension) * (squares - trace**2 / dimension)
    rho = 1.0 if denominator <= 0 else float(min(1.0, numerator / denominator))
    shrunk = (1 - rho) * covariance
    shrunk[np.diag_indices(dimension)] += rho * trace / dimension
    return shrunk, rho


def factor(covariance: np.ndarray, what: str) -> np.ndarray:
    """Lower Cholesky factor of a covariance (D, D). UserError, naming `what`, where it is not positive definite."""
    try:
        return cholesky(covariance, lower=True)
    except np.linalg.LinAlgError:
        raise UserError(f"{what}: their features do not vary enough for a density; more or other images are needed") from None


def squared_distance(points: np.ndarray, mean: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """(x - mean)^T S^-1 (x - mean) for points (M, D) and S = L L^T; float64 (M,)."""
    return (solve_triangular(lower, (points - mean).T, lower=True, check_finite=False) ** 2).sum(axis=0)
