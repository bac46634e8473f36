"""Class similarity, instance information and silhouette: golden numbers, scikit-learn, invariances."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import silhouette_score

from softcifar.errors import UserError
from softcifar.metrics import (
    class_similarity,
    entropy,
    entropy_rank_correlation,
    instance_information,
    same_prediction,
    silhouette,
    structure_distance,
)

quick = settings(max_examples=50, deadline=None, derandomize=True)

# Class 0 is confused with 1 three times as often as with 2; class 1 with both alike; class 2 with none.
TARGETS = np.array([[0.8, 0.2, 0.0], [0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.0, 0.0, 1.0]])
LABELS = np.array([0, 0, 1, 2])


def study(seed, images=60, classes=4):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    return rng.dirichlet(np.ones(classes), images), rng.dirichlet(np.ones(classes), images), labels


def test_golden_class_similarity():
    expected = [[0, 0.75, 0.25], [0.5, 0, 0.5], [math.nan] * 3]
    np.testing.assert_allclose(class_similarity(TARGETS, LABELS), expected)
    assert np.isnan(class_similarity([[0.5, 0.5]], [0])[1]).all()  # no image of class 1


def test_golden_structure_distance():
    uniform = np.full((4, 3), 1 / 3)
    # Row 0 differs by .25 twice, row 1 by nothing, row 2 has no target: .35355 / sqrt(.75^2 + .25^2 + .5^2 + .5^2)
    assert structure_distance(uniform, TARGETS, LABELS) == pytest.approx(math.sqrt(0.125 / 1.125))
    assert structure_distance(TARGETS, TARGETS, LABELS) == 0
    certain = np.eye(3)[LABELS]  # says nothing of the other classes
    assert structure_distance(certain, TARGETS, LABELS) == 1
    assert math.isnan(structure_distance(TARGETS, certain, LABELS))


@quick
@given(st.integers(0, 10_000), st.floats(0.05, 0.95))
def test_structure_does_not_depend_on_confidence(seed, mix):
    """Mixing every prediction with the label changes how sure it is, not what it confuses."""
    probs, targets, labels = study(seed)
    surer = mix * probs + (1 - mix) * np.eye(4)[labels]
    assert structure_distance(surer, targets, labels) == pytest.approx(structure_distance(probs, targets, labels))
    np.testing.assert_allclose(class_similarity(probs, labels).sum(axis=1), 1)


def test_golden_instance_information():
    # Two images of a class that disagree completely: H(.5, .5) = log 2. Class-wise labels tell nothing more.
    assert instance_information([[1, 0], [0, 1]], [0, 0]) == pytest.approx(math.log(2))
    assert instance_information([[1, 0], [0, 1]], [0, 1]) == 0
    assert instance_information([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], [0, 0, 1]) == pytest.approx(0, abs=1e-15)


@quick
@given(st.integers(0, 10_000))
def test_instance_information_is_the_mutual_information_within_classes(seed):
    probs, _, labels = study(seed)
    of_classes = [probs[labels == k] for k in range(4)]
    expected = sum(len(part) * (entropy(part.mean(axis=0)) - entropy(part).mean()) for part in of_classes) / len(probs)
    assert instance_information(probs, labels) == pytest.approx(expected)


@quick
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_silhouette_is_scikit_learns(seed, classes):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.arange(30) % classes)
    points = rng.normal(0, 1, (30, 5)) + 2 * groups[:, None]
    assert silhouette(points, groups) == pytest.approx(silhouette_score(points, groups), abs=1e-6)


def test_golden_silhouette():
    # Own group: 2 away for the first two; other group: 10 and 8 away; the lone point counts 0.
    assert silhouette([[0.0], [2.0], [10.0]], [0, 0, 1]) == pytest.approx((8 / 10 + 6 / 8 + 0) / 3)
    assert silhouette(np.zeros((4, 2)), [0, 0, 1, 1]) == 0


@quick
@given(st.integers(0, 10_000))
def test_rank_correlation_is_scipys(seed):
    probs, targets, _ = study(seed)
    targets[:20] = targets[0]  # ties
    expected = stats.spearmanr(entropy(probs), entropy(targets)).statistic
    assert entropy_rank_correlation(probs, targets) == pytest.approx(expected)
    assert math.isnan(entropy_rank_correlation(probs, np.full_like(probs, 0.25)))


def test_golden_same_prediction():
    assert same_prediction([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], [[0.6, 0.4], [0.8, 0.2], [1, 0]]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", [structure_distance, instance_information, class_similarity])
def test_labels_that_do_not_fit_are_refused(metric):
    given = (TARGETS, TARGETS) if metric is structure_distance else (TARGETS,)
    with pytest.raises(UserError, match="labels: values from 0 to 3"):
        metric(*given, [0, 1, 2, 3])


def test_silhouette_refuses_one_group():
    with pytest.raises(UserError, match="1 groups"):
        silhouette([[0.0], [1.0]], [0, 0])
