"""People's doubt without their corrections: soft labels on which the data set's label stays the likeliest class."""

import numpy as np

from softcifar.labels.source import on_arrays


@on_arrays
def human_kept(labels, votes):
    """The votes' shares, but the data set's label has the largest one.

    Where another class has more votes than the label, the two change places: the label takes the share of the most frequent
    class (of several, the one with the lowest number) and gives it its own, so that the entropy stays. Beside `majority`, which
    corrects labels and does not soften them, it tells which of the two people's labels help by.
    labels (N,) integers in 0..K-1; votes (N, K) counts, each row with at least one vote; returns (N, K).
    """
    shares = votes / votes.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    largest, own = shares.max(axis=1), shares[rows, labels]
    top = shares.argmax(axis=1)
    shares[rows, top] = np.where(own < largest, own, shares[rows, top])
    shares[rows, labels] = largest
    return shares
