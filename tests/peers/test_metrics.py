"""Metrics of predictions against scikit-learn, scipy, torchmetrics, torch-uncertainty and netcal, on random predictions."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from softcifar import metrics
from softcifar.scores.mutual_information import mutual_information
from softcifar.scores.predictive_entropy import predictive_entropy
from tests.peers.conftest import peer, predictions

EXACT = {"rtol": 1e-12, "atol": 1e-13}  # both sides in float64
BINS = (1, 5, 10, 15, 20)


def tensors(probs, labels):
    return torch.tensor(probs), torch.tensor(labels)


def cases(count, seed=0):
    rng = np.random.default_rng(seed)
    return (predictions(rng) for _ in range(count))


def test_accuracy_likelihood_and_brier_score_are_sklearns():
    for probs, labels in cases(300):
        every = np.arange(probs.shape[1])
        np.testing.assert_allclose(metrics.accuracy(probs, labels), accuracy_score(labels, probs.argmax(axis=1)), **EXACT)
        np.testing.assert_allclose(
            metrics.negative_log_likelihood(probs, labels), log_loss(labels, probs, labels=every), **EXACT
        )
        brier = brier_score_loss(labels, probs, labels=every, scale_by_half=False)
        np.testing.assert_allclose(metrics.brier_score(probs, labels), brier, **EXACT)


def test_accuracy_likelihood_and_brier_score_are_torch_uncertaintys():
    theirs = peer("torch_uncertainty.metrics")
    functional = peer("torchmetrics.functional.classification")
    for probs, labels in cases(200):
        given = tensors(probs, labels)
        accuracy = functional.multiclass_accuracy(*given, num_classes=probs.shape[1], average="micro").item()
        brier, likelihood = theirs.BrierScore(probs.shape[1]), theirs.CategoricalNLL()
        brier.update(*given)
        likelihood.update(*given)
        assert metrics.accuracy(probs, labels) == pytest.approx(accuracy, abs=1e-6)  # float32 there
        assert metrics.brier_score(probs, labels) == pytest.approx(brier.compute().item(), rel=1e-5)
        assert metrics.negative_log_likelihood(probs, labels) == pytest.approx(likelihood.compute().item(), rel=1e-5)


@pytest.mark.parametrize("bins", BINS)
def test_expected_and_maximum_calibration_error_are_torchmetrics(bins):
    theirs = peer("torchmetrics.functional.classification").multiclass_calibration_error
    for probs, labels in cases(200, seed=bins):
        below_one = probs.max(axis=1) < 0.9999  # see the next test
        if not below_one.any():
            continue
        probs, labels = probs[below_one], labels[below_one]
        for norm, ours in (("l1", metrics.expected_calibration_error), ("max", metrics.maximum_calibration_error)):
            there = theirs(*tensors(probs, labels), num_classes=probs.shape[1], n_bins=bins, norm=norm).item()
            assert ours(probs, labels, bins=bins) == pytest.approx(there, abs=1e-6)


def test_torchmetrics_has_a_bin_of_its_own_for_confidence_one():
    """Ours puts 1 into the last bin (Guo et al. 2017): .92 right and 1 wrong share a bin, confidence .96, half are right."""
    theirs = peer("torchmetrics.functional.classification").multiclass_calibration_error
    probs, labels = np.array([[0.92, 0.08], [1.0, 0.0]]), np.array([0, 1])
    assert metrics.expected_calibration_error(probs, labels, bins=10) == pytest.approx(0.46)
    assert theirs(*tensors(probs, labels), num_classes=2, n_bins=10).item() == pytest.approx((0.08 + 1) / 2)


@pytest.mark.parametrize("bins", BINS)
def test_expected_and_maximum_calibration_error_are_netcals(bins):
    theirs = peer("netcal.metrics")
    for probs, labels in cases(100, seed=bins):
        if probs.shape[1] == 2:
            continue  # netcal bins the second class's probability there
        assert metrics.expected_calibration_error(probs, labels, bins=bins) == pytest.approx(
            theirs.ECE(bins).measure(probs, labels), abs=1e-12
        )
        assert metrics.maximum_calibration_error(probs, labels, bins=bins) == pytest.approx(
            theirs.MCE(bins).measure(probs, labels), abs=1e-12
        )


@pytest.mark.parametrize("bins", BINS)
def test_adaptive_calibration_error_is_torch_uncertaintys(bins):
    """Random confidences do not tie; where they do, ours shares the accuracy of equal ones and theirs takes their order."""
    theirs = peer("torch_uncertainty.metrics").AdaptiveCalibrationError
    for probs, labels in cases(100, seed=bins):
        metric = theirs(task="multiclass", num_classes=probs.shape[1], num_bins=bins)
        metric.update(*tensors(probs, labels))
        assert metrics.adaptive_calibration_error(probs, labels, bins=bins) == pytest.approx(metric.compute().item(), abs=1e-6)


@pytest.mark.parametrize("bins", BINS)
def test_classwise_calibration_error_is_torch_uncertaintys(bins):
    theirs = peer("torch_uncertainty.metrics").ClasswiseCalibrationError
    for probs, labels in cases(40, seed=bins):
        metric = theirs(probs.shape[1], num_bins=bins)
        metric.update(*tensors(probs, labels))
        assert metrics.classwise_calibration_error(probs, labels, bins=bins) == pytest.approx(metric.compute().item(), abs=1e-6)


def test_divergences_and_correlations_are_scipys():
    rng = np.random.default_rng(0)
    for probs, _ in cases(300):
        target = rng.dirichlet(np.full(probs.shape[1], 0.3), len(probs))
        np.testing.assert_allclose(metrics.kl_divergence(target, probs), stats.entropy(target, probs, axis=1).mean(), **EXACT)
        np.testing.assert_allclose(metrics.entropy(probs), stats.entropy(probs, axis=1), **EXACT)
        ours, theirs = metrics.entropy(probs), metrics.entropy(target)
        np.testing.assert_allclose(metrics.entropy_correlation(probs, target), stats.pearsonr(ours, theirs)[0], atol=1e-11)
        np.testing.assert_allclose(metrics.rank_correlation(ours, theirs), stats.spearmanr(ours, theirs)[0], atol=1e-12)


def test_divergence_of_people_is_torchmetrics():
    theirs = peer("torchmetrics.functional.regression").kl_divergence
    rng = np.random.default_rng(0)
    for probs, _ in cases(200):
        target = rng.dirichlet(np.full(probs.shape[1], 3.0), len(probs))
        there = theirs(torch.tensor(target), torch.tensor(probs)).item()
        assert metrics.kl_divergence(target, probs) == pytest.approx(there, rel=1e-9)


def test_entropy_and_mutual_information_of_samples_are_torch_uncertaintys():
    theirs = peer("torch_uncertainty.metrics")
    rng = np.random.default_rng(0)
    for _ in range(200):
        samples, images, classes = rng.integers(1, 8), rng.integers(1, 40), rng.integers(2, 12)
        drawn = rng.choice([0.3, 3.0]) * rng.standard_normal((samples, images, classes))
        probs = torch.tensor(drawn).softmax(dim=-1).transpose(0, 1)  # (N, S, K) there
        entropy, information = theirs.Entropy(reduction="none"), theirs.MutualInformation(reduction="none")
        entropy.update(probs.mean(dim=1))
        information.update(probs)
        np.testing.assert_allclose(predictive_entropy(drawn), entropy.compute().numpy(), atol=1e-6)
        np.testing.assert_allclose(mutual_information(drawn), information.compute().numpy(), atol=1e-6)
