"""Hard labels: all the mass on one class."""

import numpy as np

from softcifar.labels.source import on_arrays


@on_arrays
def hard(labels, num_classes):
    """One-hot of the data set's label. labels (N,) integers in 0..K-1; returns (N, K)."""
    return np.eye(num_classes)[labels]


@on_arrays
def majority(votes):
    """One-hot of the most frequent human vote, ties to the lowest index (the "hard" labels of Soft CIFAR).

    votes (N, K) counts; returns (N, K).
    """
    return np.eye(votes.shape[1])[votes.argmax(axis=1)]
