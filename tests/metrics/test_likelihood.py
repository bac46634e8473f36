"""Accuracy, NLL and Brier score: golden numbers, scikit-learn, bounds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from softcifar.metrics import accuracy, brier_score, negative_log_likelihood

quick = settings(max_examples=60, deadline=None, derandomize=True)

PROBS = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5], [0.5, 0.5, 0.0]]
LABELS = [0, 2, 2, 1]


def predictions(seed: int, images: int = 40, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, rng.choice([0.1, 1.0, 5.0])), images), rng.integers(classes, size=images)


def test_golden_accuracy():
    # Rows 0 and 2 are right, row 1 is wrong, row 3 ties between 0 and 1: the lowest class, 0, is the guess, so wrong.
    assert accuracy(PROBS, LABELS) == 0.5


def test_golden_negative_log_likelihood():
    # p_y = .7, .3, .5, .5: the mean of -log is -log(.7 * .3 * .5 * .5) / 4 = -log(.0525) / 4 = .736737.
    assert negative_log_likelihood(PROBS, LABELS) == pytest.approx(-math.log(0.0525) / 4, rel=1e-14)


def test_golden_brier():
    # .09+.04+.01 = .14;  .01+.36+.49 = .86;  .0625+.0625+.25 = .375;  .25+.25+0 = .5;  sum 1.875, mean .46875
    assert brier_score(PROBS, LABELS) == pytest.approx(0.46875, rel=1e-14)


def test_ends_of_the_scales():
    certain = np.eye(3)[[0, 1, 2]]
    assert (accuracy(certain, [0, 1, 2]), negative_log_likelihood(certain, [0, 1, 2])) == (1, 0)
    assert (brier_score(certain, [0, 1, 2]), brier_score(certain, [1, 2, 0])) == (0, 2)
    # A certain mistake stays finite: 708.4 nats is -log of the smallest normal float64, 2**-1022.
    assert negative_log_likelihood(certain, [1, 2, 0]) == pytest.approx(1022 * math.log(2), rel=1e-12)


def test_float64_inside():
    # In float32 the mean of a million equal terms drifts; here it is the value itself.
    probs = np.tile(np.array([[0.9, 0.1]], np.float32), (1_000_000, 1))
    assert negative_log_likelihood(probs, np.zeros(1_000_000, np.uint8)) == pytest.approx(-math.log(np.float32(0.9)), rel=1e-12)


@quick
@given(st.integers(0, 10_000))
def test_scikit_learn_agrees(seed):
    probs, labels = predictions(seed)
    assert accuracy(probs, labels) == accuracy_score(labels, probs.argmax(1))
    probs = 0.999 * probs + 0.001 / 4  # scikit-learn clips at 2e-16, we do not
    assert negative_log_likelihood(probs, labels) == pytest.approx(log_loss(labels, probs, labels=range(4)), rel=1e-9)


@quick
@given(st.integers(0, 10_000))
def test_two_classes_brier_is_twice_the_binary_one(seed):
    probs, labels = predictions(seed, classes=2)
    assert brier_score(probs, labels) == pytest.approx(2 * brier_score_loss(labels, probs[:, 1], pos_label=1))


@quick
@given(st.integers(0, 10_000))
def test_bounds_and_order(seed):
    probs, labels = predictions(seed)
    order = np.random.default_rng(seed).permutation(len(labels))
    for metric, low, high in ((accuracy, 0, 1), (negative_log_likelihood, 0, np.inf), (brier_score, 0, 2)):
        assert low <= metric(probs, labels) <= high
        assert metric(probs[order], labels[order]) == pytest.approx(metric(probs, labels), rel=1e-12)
