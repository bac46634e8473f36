"""Soft labels that single people gave for some of the images, and votes for the same ones (Collins, Bhatt & Weller 2022)."""

import numpy as np

from softcifar.labels.source import on_arrays
from softcifar.params.options import require


@on_arrays
def elicited(labels, soft_labels):
    """The mean of what single people gave as probabilities; one-hot of the data set's label where nobody was asked.

    labels (N,) integers in 0..K-1; soft_labels (N, K): probabilities, or zeros for an image that nobody was asked about;
    returns (N, K). UserError where a row is neither.
    """
    asked = _asked(soft_labels)
    shares = soft_labels / np.where(asked, soft_labels.sum(axis=1), 1)[:, None]
    return np.where(asked[:, None], shares, np.eye(soft_labels.shape[1])[labels])


@on_arrays
def human_where_elicited(labels, votes, soft_labels):
    """`human` for the images that `elicited` has soft labels of, else one-hot of the data set's label: what many people's votes
    on the same images are worth.

    labels (N,) integers in 0..K-1; votes (N, K) counts, each row with at least one vote; soft_labels as in `elicited`; returns
    (N, K).
    """
    shares = votes / votes.sum(axis=1, keepdims=True)
    return np.where(_asked(soft_labels)[:, None], shares, np.eye(votes.shape[1])[labels])


def _asked(soft_labels: np.ndarray) -> np.ndarray:
    """Which images somebody was asked about, bool (N,)."""
    sums = soft_labels.sum(axis=1)
    known = (soft_labels >= 0).all(axis=1) & (np.isclose(sums, 1, atol=1e-6) | (sums == 0))
    require(bool(known.all()), "soft_labels", "a row that is no distribution", "probabilities with sum 1, or zeros")
    return sums > 0
