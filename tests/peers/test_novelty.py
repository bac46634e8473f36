"""Novelty detection's numbers and scores against scikit-learn, scipy, torchmetrics and torch-uncertainty, also with ties."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis as distance
from scipy.stats import multivariate_normal
from sklearn.covariance import OAS
from sklearn.metrics import average_precision_score, roc_auc_score

from softcifar import metrics
from softcifar.scores.ddu import ddu
from softcifar.scores.gaussian import oas
from softcifar.scores.mahalanobis import mahalanobis
from tests.peers.conftest import peer


def scores(count, seed=0):
    """Scores of known and novel images; half of the cases have ties, some are far apart."""
    rng = np.random.default_rng(seed)
    for case in range(count):
        known = rng.standard_normal(rng.integers(2, 300))
        novel = rng.standard_normal(rng.integers(2, 300)) + rng.choice([-1.0, 0.0, 1.0, 5.0])
        yield (known.round(1), novel.round(1)) if case % 2 else (known, novel)


def stacked(known, novel):
    return np.repeat([0, 1], [len(known), len(novel)]), np.concatenate([known, novel])


def test_auroc_and_average_precision_are_sklearns():
    for known, novel in scores(500):
        truth, score = stacked(known, novel)
        assert metrics.auroc(known, novel) == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
        assert metrics.average_precision(known, novel) == pytest.approx(average_precision_score(truth, score), abs=1e-12)
        reverse = average_precision_score(1 - truth, -score)
        assert metrics.average_precision(known, novel, positive="in") == pytest.approx(reverse, abs=1e-12)


def test_auroc_and_average_precision_are_torchmetrics():
    theirs = peer("torchmetrics.functional.classification")
    for known, novel in scores(200):
        truth, score = stacked(known, novel)
        given = torch.tensor(np.interp(score, [-20, 20], [0, 1])), torch.tensor(truth)  # beyond [0, 1] it takes a sigmoid
        assert metrics.auroc(known, novel) == pytest.approx(theirs.binary_auroc(*given).item(), abs=1e-5)
        assert metrics.average_precision(known, novel) == pytest.approx(
            theirs.binary_average_precision(*given).item(), abs=1e-5
        )


def test_false_positives_at_95_percent_are_torch_uncertaintys():
    theirs = peer("torch_uncertainty.metrics").FPR95
    for known, novel in scores(300):
        truth, score = stacked(known, novel)
        metric = theirs(pos_label=1)
        metric.update(torch.tensor(score), torch.tensor(truth))
        assert metrics.fpr_at_tpr(known, novel) == pytest.approx(metric.compute().item(), abs=1e-6)


def features(rng):
    """Training features of some classes with covariances of their own, their labels, and other features."""
    classes, dimension = int(rng.integers(2, 6)), int(rng.integers(2, 30))
    labels = np.arange(classes).repeat(rng.integers(2, 80, classes))
    mixing = rng.standard_normal((classes, dimension, dimension))
    train = np.einsum("nd,nde->ne", rng.standard_normal((len(labels), dimension)), mixing[labels]) + 3 * labels[:, None]
    return train, labels, 3 * rng.standard_normal((20, dimension))


def test_density_is_a_mixture_of_scipys_gaussians():
    rng = np.random.default_rng(0)
    for _ in range(200):
        train, labels, others = features(rng)
        log_density = []
        for number in np.unique(labels):
            own = train[labels == number]
            covariance, _ = oas(own - own.mean(axis=0))
            part = multivariate_normal(own.mean(axis=0), covariance, allow_singular=False).logpdf(others)
            log_density.append(part + np.log(len(own) / len(train)))
        np.testing.assert_allclose(-ddu(train, labels, others), np.logaddexp.reduce(log_density), rtol=1e-8)


def test_mahalanobis_distance_is_scipys():
    rng = np.random.default_rng(0)
    for _ in range(100):
        train, labels, others = features(rng)
        means = np.stack([train[labels == number].mean(axis=0) for number in np.unique(labels)])
        inverse = np.linalg.inv(oas(train - means[labels])[0])
        nearest = [min(distance(each, mean, inverse) for mean in means) ** 2 for each in others]
        np.testing.assert_allclose(mahalanobis(train, labels, others), nearest, rtol=1e-6)


def test_shrinkage_is_sklearns_but_for_two_over_the_dimension():
    """scikit-learn leaves the 2/D of equation 23 out, as its documentation says; its shrinkage with them is ours."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        count, dimension = int(rng.integers(3, 200)), 200
        deviations = rng.standard_normal((count, dimension)) * rng.uniform(0.1, 3, dimension)
        deviations -= deviations.mean(axis=0)
        theirs = OAS(assume_centered=True).fit(deviations)
        covariance, shrinkage = oas(deviations)
        assert shrinkage == pytest.approx(theirs.shrinkage_, abs=3 / dimension)
        np.testing.assert_allclose(np.trace(covariance), np.trace(theirs.covariance_), rtol=1e-9)
        np.testing.assert_allclose(covariance, theirs.covariance_, atol=3 / dimension * np.abs(theirs.covariance_).max())
