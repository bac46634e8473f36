"""What strategies work on, and how their scores become purchases.

A strategy is a function of some of these inputs, by their names; N images in the pool, L labelled, S samples of a prediction:

logits             float32 (S, N, K)  of all members, each by its own prediction (several samples with Monte Carlo dropout)
member_logits      the same, of an ensemble: params need `members` of two or more
sample_logits      the same, of a method that predicts by samples: params need such a `method`
features           float32 (N, D)     penultimate features of the pool, of the first member
labelled_features  float32 (L, D)     those of the labelled images
labels             int64 (L,)         their labels, as they were bought
count, seed        int                N, and a seed of this purchase, the same for all strategies
"""

import inspect
from collections.abc import Callable, Mapping

import numpy as np

INPUTS = ("logits", "member_logits", "sample_logits", "features", "labelled_features", "labels", "count", "seed")
NO_NETWORK = {"count", "seed"}  # inputs that ask no network


def inputs(strategy: Callable) -> set[str]:
    """The names of the inputs that a strategy works on."""
    parameters = inspect.signature(strategy).parameters.values()
    return {parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY}


def asks_network(strategy: Callable) -> bool:
    """Whether a strategy looks at what a network says of the pool."""
    return not inputs(strategy) <= NO_NETWORK


def scored(strategy: Callable, given: Mapping[str, object], options: Mapping[str, object]) -> tuple[np.ndarray, np.ndarray]:
    """(score float64 (N,), answers int64 (N,), at least 1) of every image of the pool; given: inputs by name."""
    found = strategy(**{name: given[name] for name in inputs(strategy)}, **options)
    score, answers = found if isinstance(found, tuple) else (found, None)
    score = np.asarray(score, dtype=np.float64)
    return score, np.ones(len(score), dtype=np.int64) if answers is None else np.asarray(answers, dtype=np.int64)


def purchases(score: np.ndarray, answers: np.ndarray, left: int) -> list[tuple[int, int]]:
    """(position in the pool, number of answers) of what is bought with `left` answers: highest scores first, equals in order.

    The last image gets the answers that are left where it wants more.
    """
    bought = []
    for position in np.argsort(-score, kind="stable").tolist():
        if not left:
            break
        bought.append((position, min(int(answers[position]), left)))
        left -= bought[-1][1]
    return bought
