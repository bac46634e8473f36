"""Agreement with people's distributions: golden numbers, scipy, identities."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from softcifar.metrics import (
    brier_score,
    brier_to_distribution,
    entropy,
    entropy_correlation,
    human_cross_entropy,
    kl_divergence,
    negative_log_likelihood,
    second_guess_accuracy,
    total_variation,
)

quick = settings(max_examples=60, deadline=None, derandomize=True)

PROBS = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
TARGETS = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
LOG2 = math.log(2)


def distributions(seed, images=30, classes=4):
    """Predictions, and targets some of whose entries are exactly 0 (as votes have)."""
    rng = np.random.default_rng(seed)
    votes = rng.multinomial(7, rng.dirichlet(np.full(classes, 0.5), images))
    return rng.dirichlet(np.full(classes, rng.choice([0.2, 1.0])), images), votes / 7


def test_golden_cross_entropy_and_kl():
    # Row 0: -log .5 = log 2. Row 1: -(log .125 + log .75) / 2 = (3 log 2 - log .75) / 2.
    cross_entropy = (LOG2 + (3 * LOG2 - math.log(0.75)) / 2) / 2
    assert human_cross_entropy(PROBS, TARGETS) == pytest.approx(cross_entropy, rel=1e-14)
    # Less the targets' entropies, 0 and log 2.
    assert kl_divergence(TARGETS, PROBS) == pytest.approx(cross_entropy - LOG2 / 2, rel=1e-14)


def test_golden_total_variation_and_brier():
    # Row 0: (.5 + .25 + .25) / 2 = .5; row 1: (.375 + .25 + .125) / 2 = .375
    assert total_variation(PROBS, TARGETS) == pytest.approx(0.4375)
    # Row 0: .25 + .0625 + .0625 = .375; row 1: .140625 + .0625 + .015625 = .21875
    assert brier_to_distribution(PROBS, TARGETS) == pytest.approx((0.375 + 0.21875) / 2)


def test_golden_second_guess():
    targets = [[0.8, 0.2, 0.0], [0.8, 0.0, 0.2], [0.6, 0.2, 0.2], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]
    probs = [[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.3, 0.6, 0.1], [0.2, 0.5, 0.3]]
    # Second guesses 1, 1, 2, 0, 2. People's second: 1 (right), 2 (wrong), 1 or 2 (right), 0 or 1 (right), nobody's
    # (they agree, not counted): 3 of 4.
    assert second_guess_accuracy(probs, targets) == 0.75
    assert math.isnan(second_guess_accuracy([[0.7, 0.3]], [[1.0, 0.0]]))


def test_golden_entropy():
    np.testing.assert_allclose(entropy([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4]), [0, LOG2, 2 * LOG2], rtol=1e-14)
    assert entropy(np.full((2, 3, 5), 0.2)).shape == (2, 3)


def test_entropy_correlation():
    hesitant, sure, between = [0.5, 0.5], [1.0, 0.0], [0.8, 0.2]
    assert entropy_correlation([hesitant, sure, between], [hesitant, sure, between]) == pytest.approx(1)
    assert entropy_correlation([hesitant, sure], [sure, hesitant]) == pytest.approx(-1)
    assert math.isnan(entropy_correlation([sure, hesitant], [between, between]))


@quick
@given(st.integers(0, 10_000))
def test_scipy_agrees(seed):
    probs, targets = distributions(seed)
    assert kl_divergence(targets, probs) == pytest.approx(stats.entropy(targets, probs, axis=1).mean())
    np.testing.assert_allclose(entropy(probs), stats.entropy(probs, axis=1))
    expected = stats.pearsonr(stats.entropy(probs, axis=1), stats.entropy(targets, axis=1)).statistic
    assert entropy_correlation(probs, targets) == pytest.approx(expected)


@quick
@given(st.integers(0, 10_000))
def test_identities(seed):
    probs, targets = distributions(seed)
    kl = kl_divergence(targets, probs)
    assert kl >= 0
    assert kl == pytest.approx(human_cross_entropy(probs, targets) - entropy(targets).mean())
    for p in (probs, targets):
        assert kl_divergence(p, p) == total_variation(p, p) == brier_to_distribution(p, p) == 0
    distance = total_variation(probs, targets)
    assert 0 <= distance <= 1
    assert distance == total_variation(targets, probs)
    assert 2 * distance**2 <= kl + 1e-12  # Pinsker (with Jensen over the images)
    assert 0 <= brier_to_distribution(probs, targets) <= 2
    assert second_guess_accuracy(targets, targets) == 1


@quick
@given(st.integers(0, 10_000))
def test_one_hot_targets_give_the_scores_against_labels(seed):
    probs, targets = distributions(seed)
    labels = targets.argmax(1)
    one_hot = np.eye(targets.shape[1])[labels]
    assert human_cross_entropy(probs, one_hot) == pytest.approx(negative_log_likelihood(probs, labels))
    assert brier_to_distribution(probs, one_hot) == pytest.approx(brier_score(probs, labels))


def test_a_prediction_of_zero_stays_finite():
    # Half of the people say what the model rules out: .5 * (708.4 - log 2) + .5 * log .5 for KL.
    smallest = 1022 * LOG2
    assert human_cross_entropy([[1, 0]], [[0.5, 0.5]]) == pytest.approx(smallest / 2)
    assert kl_divergence([[0.5, 0.5]], [[1, 0]]) == pytest.approx(smallest / 2 - LOG2)
