"""Lowest feature density: buy what is least like the labelled images (Mukhoti et al. 2023)."""

import numpy as np

from softcifar.errors import UserError
from softcifar.scores.ddu import ddu


def density(features: np.ndarray, labelled_features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Negative log density under a Gaussian per class of the labelled images, float64 (N,); Mukhoti et al. 2023, section 5.

    features (N, D) of the pool; labelled_features (L, D) with labels (L,). The Gaussians are those of softcifar.scores.ddu. A
    class whose labelled images all have the same features is a point, which makes no other image likelier, and is left out.
    UserError where every class is one.
    """
    classes = [each for each in np.unique(labels) if np.ptp(labelled_features[labels == each], axis=0).any()]
    if not classes:
        raise UserError(
            "acquisition by density: the labelled images of every class have the same features; allowed: two different "
            "images of a class, so start with more"
        )
    known = np.isin(labels, classes)
    return ddu(labelled_features[known], labels[known], features)
