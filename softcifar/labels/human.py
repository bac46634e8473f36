"""People's votes as label distributions (Peterson et al. 2019; Battleday et al. 2020)."""

import numpy as np
from scipy.special import entr

from softcifar.labels.source import on_arrays
from softcifar.params.options import require
from softcifar.params.ranges import NonNegative


@on_arrays
def human(votes):
    """The relative frequency of each vote. votes (N, K) counts, each row with at least one vote; returns (N, K)."""
    return votes / votes.sum(axis=1, keepdims=True)


@on_arrays
def human_thresholded(votes, *, tau: NonNegative = 0.15):
    """`human`, but one-hot of the most frequent vote where the votes' entropy is below `tau` nats (Soft CIFAR).

    votes (N, K) counts; tau >= 0 in nats (0: always the votes); returns (N, K).
    """
    require(tau >= 0, "tau", tau, "at least 0 nats")
    frequencies = votes / votes.sum(axis=1, keepdims=True)
    certain = entr(frequencies).sum(axis=1) < tau
    return np.where(certain[:, None], np.eye(votes.shape[1])[votes.argmax(axis=1)], frequencies)
