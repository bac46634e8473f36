"""Calibration where people disagree: golden numbers, and brute force for ranks with ties."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import entropy

from softcifar.errors import UserError
from softcifar.metrics.disagreement import disputed, entropy_calibration_error, entropy_excess, rank_agreement

PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]])
TARGETS = np.array([[0.8, 0.2, 0], [0, 0.5, 0.5], [1, 0, 0], [0.5, 0.1, 0.4]])


def test_entropies_are_scipys():
    gaps = entropy(PROBS, axis=1) - entropy(TARGETS, axis=1)
    assert entropy_calibration_error(PROBS, TARGETS) == pytest.approx(np.abs(gaps).mean())
    assert entropy_excess(PROBS, TARGETS) == pytest.approx(gaps.mean())


def test_the_sign_says_who_is_more_undecided():
    sure, even = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    assert entropy_excess(even, sure) == pytest.approx(math.log(2))
    assert entropy_excess(sure, even) == pytest.approx(-math.log(2))
    assert entropy_calibration_error(sure, even) == pytest.approx(math.log(2))
    assert entropy_calibration_error(TARGETS, TARGETS) == 0


def test_golden_ranks():
    # Of the disputed images 0, 1 and 3: in order; 2, 1 where both orders are people's; 1, 2 where people said 0, 2.
    assert rank_agreement(PROBS, TARGETS) == pytest.approx(2 / 3)
    assert rank_agreement(PROBS, TARGETS, first=1) == pytest.approx(2 / 3)
    assert disputed(TARGETS).tolist() == [True, True, False, True]


def test_ranks_are_those_of_some_order_of_peoples_ties():
    generator = np.random.default_rng(0)
    targets = generator.multinomial(4, [0.4, 0.3, 0.2, 0.1], 60) / 4
    probs = generator.dirichlet(np.ones(4), 60)
    hits = []
    for ours, theirs in zip(probs, targets, strict=True):
        if (theirs > 0).sum() > 1:
            orders = [each for each in itertools.permutations(range(4)) if list(theirs[list(each)]) == sorted(theirs)[::-1]]
            hits.append(any(tuple(np.argsort(-ours)[:2]) == order[:2] for order in orders))
    assert rank_agreement(probs, targets) == pytest.approx(np.mean(hits))


def test_without_disagreement_there_is_no_rank():
    assert math.isnan(rank_agreement(PROBS, np.eye(3)[[0, 1, 2, 0]]))


@pytest.mark.parametrize("metric", [entropy_calibration_error, entropy_excess, rank_agreement])
def test_mistakes(metric):
    with pytest.raises(UserError, match="target_probs: shape"):
        metric(PROBS, TARGETS[:2])
    with pytest.raises(UserError, match="not logits"):
        metric(10 * PROBS - 5, TARGETS)
