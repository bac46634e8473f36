"""Densities of features: SciPy where it is defined, few points in many dimensions, ranking, bad input."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from softcifar.errors import UserError
from softcifar.metrics import auroc
from softcifar.scores import FEATURE_SCORES
from softcifar.scores.ddu import ddu, of_ensemble
from softcifar.scores.gaussian import oas
from softcifar.scores.mahalanobis import mahalanobis


@pytest.fixture
def points() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three classes of unequal size in four dimensions, and points to score."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 2, 5], [30, 50, 20])
    train = generator.normal(size=(100, 4)) * [1, 2, 0.5, 1] + labels[:, None]
    return train, labels, generator.normal(size=(40, 4)) * 3


def test_golden_shrinkage():
    # Deviations (1, 0) and (-1, 0): S = diag(1, 0), tr(S^2) = tr(S)^2 = 1, D = 2, n = 2:
    # rho = ((1 - 1) 1 + 1) / ((2 + 1 - 1) (1 - 1/2)) = 1, so S is half the identity.
    shrunk, rho = oas(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert rho == 1
    np.testing.assert_allclose(shrunk, np.eye(2) / 2)
    # Twice as many: rho = 1 / ((4 + 1 - 1) / 2) = 1/2.
    shrunk, rho = oas(np.array([[1.0, 0.0], [-1.0, 0.0]] * 2))
    assert rho == pytest.approx(0.5)
    np.testing.assert_allclose(shrunk, [[0.75, 0], [0, 0.25]])


def test_shrinkage_vanishes_with_many_points():
    deviations = np.random.default_rng(0).normal(size=(20_000, 3)) * [1, 2, 3]
    shrunk, rho = oas(deviations)
    assert rho < 1e-3
    np.testing.assert_allclose(shrunk, deviations.T @ deviations / 20_000, atol=0.02)


def test_ddu_is_scipys_mixture_of_normals(points):
    train, labels, features = points
    terms = []
    for number in (0, 2, 5):
        own = train[labels == number]
        covariance, _ = oas(own - own.mean(axis=0))
        terms.append(np.log(len(own) / 100) + multivariate_normal.logpdf(features, own.mean(axis=0), covariance))
    np.testing.assert_allclose(ddu(train, labels, features), -logsumexp(terms, axis=0), rtol=1e-10)


def test_mahalanobis_is_the_distance_to_the_nearest_mean(points):
    train, labels, features = points
    means = {number: train[labels == number].mean(axis=0) for number in (0, 2, 5)}
    covariance, _ = oas(train - np.stack([means[number] for number in labels]))
    inverse = np.linalg.inv(covariance)
    expected = [min((point - mean) @ inverse @ (point - mean) for mean in means.values()) for point in features]
    np.testing.assert_allclose(mahalanobis(train, labels, features), expected, rtol=1e-10)


@pytest.mark.parametrize("name", FEATURE_SCORES)
def test_two_images_per_class_in_many_dimensions(name):
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(10, 512)) * 2
    labels = np.tile(np.arange(10), 2)
    train = centres[labels] + generator.normal(size=(20, 512))
    known = centres[generator.integers(10, size=200)] + generator.normal(size=(200, 512))
    novel = generator.normal(size=(200, 512)) * 2.2  # as far from the origin
    scores = [FEATURE_SCORES[name](train, labels, features) for features in (known, novel)]
    assert np.isfinite(scores).all()
    assert auroc(*scores) > 0.95


@pytest.mark.parametrize("name", FEATURE_SCORES)
def test_far_away_is_novel_and_finite(name, points):
    train, labels, _ = points
    far = np.outer([1, 10, 1e4, 1e8], np.ones(4)) + 5
    scores = FEATURE_SCORES[name](train, labels, far)
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 0).all()


@pytest.mark.parametrize("name", FEATURE_SCORES)
def test_dead_features_do_no_harm(name, points):
    train, labels, features = (points[0], points[1], points[2])
    padded = [np.pad(each, ((0, 0), (0, 3))) for each in (train, features)]
    assert np.isfinite(FEATURE_SCORES[name](padded[0], labels, padded[1])).all()


@pytest.mark.parametrize("name", FEATURE_SCORES)
@pytest.mark.parametrize(
    ("train", "labels", "features", "message"),
    [
        (np.ones((3, 2)), [0, 1], np.ones((1, 2)), "shapes"),
        (np.ones((3, 2)), [0, 1, 1], np.ones((1, 3)), "shapes"),
        ([[1.0, np.nan], [0.0, 0.0]], [0, 1], np.ones((1, 2)), "train: found a value that is not finite"),
        (np.random.default_rng(0).random((4, 2)), [0, 0, 1, 1], [[np.inf, 0.0]], "features: found a value"),
        (np.ones((4, 2)), [0, 0, 1, 1], np.ones((1, 2)), "do not vary enough"),
    ],
)
def test_bad_input_is_refused(name, train, labels, features, message):
    with pytest.raises(UserError, match=message):
        FEATURE_SCORES[name](train, labels, features)


def test_the_density_of_an_ensemble_is_its_members_mean():
    # densities 1/2 and 1/4: mean 3/8; and far out, where a density is 0 in float64, the members' difference still counts
    scores = np.array([[np.log(2), 5000.0], [np.log(4), 5000.0 + np.log(3)]])
    np.testing.assert_allclose(of_ensemble(scores), [np.log(8 / 3), 5000 - np.log((1 + 1 / 3) / 2)])
    np.testing.assert_allclose(of_ensemble(scores[:1]), scores[0])
