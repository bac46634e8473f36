"""How likely an image's features are, given those of the training images: novelty scores that any trained network has.

Functions (training features (N, D), labels (N,), features (M, D)) -> float64 (M,), higher where an image looks more novel.
"""

from softcifar.densities.ddu import ddu
from softcifar.densities.mahalanobis import mahalanobis

DENSITIES = {
    "ddu": ddu,
    "mahalanobis": mahalanobis,
}

__all__ = ["DENSITIES", "ddu", "mahalanobis"]
