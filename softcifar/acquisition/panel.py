"""One label of what is new, several people's of what is known and yet unsure."""

import numpy as np

from softcifar.acquisition.density import density
from softcifar.params.ranges import Fraction, PositiveInt
from softcifar.scores.predictive_entropy import predictive_entropy


def panel(
    logits: np.ndarray,
    features: np.ndarray,
    labelled_features: np.ndarray,
    labels: np.ndarray,
    *,
    people: PositiveInt = 5,
    known: Fraction = 0.5,
) -> tuple[np.ndarray, np.ndarray]:
    """Buy by entropy, and ask `people` people about an image where density says that it is known; our own.

    Entropy alone cannot tell an image that is new to the network from one that is ambiguous (Mukhoti et al. 2023, claim D3),
    and one person's label of an ambiguous image is the toss of a coin that the network then learns by heart. So an image that
    is among the `known` share of the pool with the highest density, and is bought all the same because its entropy is high,
    gets the answers of several people, and the network learns their shares; any other image gets one. Every answer counts as a
    label of the budget.

    Inputs as in softmax_entropy and density. Returns (entropy float64 (N,) in nats, answers int64 (N,)).
    """
    novelty = density(features, labelled_features, labels)
    answers = np.where(novelty <= np.quantile(novelty, known), people, 1)
    return predictive_entropy(logits), answers.astype(np.int64)
