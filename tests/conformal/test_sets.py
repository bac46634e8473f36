"""Conformal sets: scores by hand and by loops, thresholds by brute force, and the promise, by simulation."""

import math

import numpy as np
import pytest

from softcifar.conformal import SET_SCORES
from softcifar.conformal.aps import aps
from softcifar.conformal.lac import lac
from softcifar.conformal.raps import raps
from softcifar.conformal.sets import prediction_sets, threshold
from softcifar.errors import UserError
from softcifar.metrics.prediction_sets import covered

PROBS = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])


def test_golden_scores():
    np.testing.assert_allclose(lac(PROBS), 1 - PROBS)
    np.testing.assert_allclose(aps(PROBS), [[1, 0.5, 0.8], [0.9, 1, 0.8]])
    np.testing.assert_allclose(aps(PROBS, [0, 0.5]), [[0.8, 0, 0.5], [0.85, 0.95, 0.4]])
    np.testing.assert_allclose(raps(PROBS), [[1.2, 0.5, 0.9], [1.0, 1.2, 0.8]])
    np.testing.assert_allclose(raps(PROBS, penalty=1, free=2), [[2, 0.5, 0.8], [0.9, 2, 0.8]])


def test_scores_are_the_sums_that_loops_make():
    generator = np.random.default_rng(0)
    probs, draws = generator.dirichlet(np.ones(4), 30), generator.random(30)
    for row, (each, draw) in enumerate(zip(probs, draws, strict=True)):
        for k in range(4):
            above = sum(p for p in each if p > each[k])
            rank = 1 + sum(p > each[k] for p in each)
            assert aps(probs, draws)[row, k] == pytest.approx(above + draw * each[k])
            assert raps(probs, draws)[row, k] == pytest.approx(above + draw * each[k] + 0.1 * (rank - 1))


@pytest.mark.parametrize("miss", [0.05, 0.1, 0.31, 0.5])
def test_the_threshold_of_labels_is_the_usual_quantile(miss):
    generator = np.random.default_rng(1)
    for images in (25, 100, 137):
        scores, labels = generator.random((images, 4)), generator.integers(4, size=images)
        own = np.sort(scores[np.arange(images), labels])
        assert threshold(scores, labels, miss=miss) == own[math.ceil((images + 1) * (1 - miss)) - 1]


def test_too_few_images_promise_nothing():
    scores = np.random.default_rng(0).random((18, 3))
    assert threshold(scores, np.zeros(18, int), miss=0.05) == math.inf
    assert prediction_sets(scores, math.inf).all()
    assert threshold(np.vstack([scores, scores[:1]]), np.zeros(19, int), miss=0.05) == scores[:, 0].max()


def test_votes_are_what_many_draws_of_labels_give():
    generator = np.random.default_rng(2)
    votes = generator.multinomial(10, [0.5, 0.3, 0.2], 40)
    scores = generator.random((40, 3))
    drawn = np.sort(np.repeat(scores.ravel(), votes.ravel()))  # each vote is an answer, with a tenth of an image's weight
    needed = math.ceil(10 * 41 * 0.9 - 1e-6)
    assert threshold(scores, votes / 10, miss=0.1) == drawn[needed - 1]


def test_one_hot_votes_are_labels():
    generator = np.random.default_rng(3)
    scores, labels = generator.random((50, 4)), generator.integers(4, size=50)
    assert threshold(scores, np.eye(4)[labels], miss=0.2) == threshold(scores, labels, miss=0.2)


@pytest.mark.parametrize("method", SET_SCORES)
def test_the_promise_is_kept_whatever_the_network_says(method):
    """Over many validation sets the mean coverage is between 1 - miss and that plus 1 / (images + 1)."""
    generator, held, images = np.random.default_rng(4), [], 60
    for _ in range(150):
        probs = generator.dirichlet(np.full(4, 0.7), 2 * images)
        truth = 0.5 * probs[:, ::-1] + 0.5 * probs  # the network is wrong about it
        labels = (generator.random((2 * images, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, 3)
        scores = SET_SCORES[method](probs, generator.random(2 * images))
        limit = threshold(scores[:images], labels[:images], miss=0.2)
        held.append(covered(prediction_sets(scores[images:], limit), labels[images:]).mean())
    error = np.std(held) / math.sqrt(len(held))
    assert 0.8 - 3 * error < np.mean(held) < 0.8 + 1 / (images + 1) + 3 * error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: threshold(PROBS, [0, 1], miss=1), "miss: 1 found"),
        (lambda: threshold(PROBS[0], [0], miss=0.1), "scores: shape"),
        (lambda: threshold(PROBS, [0, 3], miss=0.1), "labels: values"),
        (lambda: threshold(PROBS, PROBS[:, :2] / PROBS[:, :2].sum(1, keepdims=True), miss=0.1), "targets: shape"),
        (lambda: aps(PROBS, [0.5]), "draws: shape"),
        (lambda: aps(PROBS, [0.5, 2]), "draws: "),
        (lambda: lac(PROBS + 1), "probs: "),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(UserError, match=message):
        call()
