"""Distance to the k-th nearest training image (Sun et al. 2022)."""

import numpy as np

from softcifar.errors import UserError
from softcifar.params.ranges import PositiveInt
from softcifar.scores.inputs import as_features


def knn(train: object, features: object, *, neighbours: PositiveInt = 50) -> np.ndarray:
    """Euclidean distance to the k-th nearest training image, of features divided by their length; float64 (M,), 0 to 2.

    train (N, D), features (M, D), see softcifar.scores.inputs; neighbours: k, 50 as the paper has it for the 50,000
    training images of CIFAR-10; the same k of fewer images reaches farther. Features that are all 0 have no direction and stay
    0. Sun et al. 2022 (ICML), without the sign. UserError for other shapes, values that are not finite, or fewer training
    images than neighbours.
    """
    from sklearn.neighbors import NearestNeighbors  # takes a second to import

    train, features = as_features(train=train, features=features)
    if neighbours > len(train):
        raise UserError(f"neighbours: found {neighbours} with {len(train)} training images; allowed: at most so many")
    index = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(directions(train))
    return index.kneighbors(directions(features))[0][:, -1]


def directions(features: np.ndarray) -> np.ndarray:
    """Features (N, D) divided by their length; rows of zeros stay."""
    largest = np.abs(features).max(axis=1, keepdims=True)
    scaled = features / np.where(largest > 0, largest, 1.0)  # so that no square overflows
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(lengths > 0, lengths, 1.0)
