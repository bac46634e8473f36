"""Novelty detection's numbers, also with ties, and scores against scikit-learn, scipy, torchmetrics and libraries for OOD."""

import functools

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree
from scipy.spatial.distance import mahalanobis as distance
from scipy.stats import multivariate_normal
from sklearn.covariance import OAS, EmpiricalCovariance
from sklearn.decomposition import TruncatedSVD
from sklearn.metrics import average_precision_score, roc_auc_score

from softcifar import metrics
from softcifar.evaluation.novelty import perturbed
from softcifar.methods.prediction import penultimate, to_pixels
from softcifar.scores.ddu import ddu
from softcifar.scores.energy import energy
from softcifar.scores.fdbd import fdbd
from softcifar.scores.gaussian import oas
from softcifar.scores.knn import knn
from softcifar.scores.mahalanobis import mahalanobis
from softcifar.scores.mahalanobis_perturbed import mahalanobis_perturbed
from softcifar.scores.rmds import rmds
from softcifar.scores.vim import vim
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


def layer(rng, train, labels):
    """A last layer that tells the classes apart, and a bias."""
    means = np.stack([train[labels == number].mean(axis=0) for number in np.unique(labels)])
    return means + 0.1 * rng.standard_normal(means.shape), rng.standard_normal(len(means))


def tensors(*arrays):
    return [torch.tensor(each, dtype=torch.float32 if each.dtype.kind == "f" else torch.int64) for each in arrays]


def test_neighbours_are_scipys_trees_and_pytorch_oods():
    rng = np.random.default_rng(0)
    cases = [features(rng) for _ in range(60)]
    for train, _, others in cases:
        unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (train, others)]
        neighbours = int(rng.integers(1, len(train) + 1))
        found, _ = KDTree(unit[0]).query(unit[1], k=[neighbours])
        np.testing.assert_allclose(knn(train, others, neighbours=neighbours), found[:, 0], atol=1e-6)
    theirs = peer("pytorch_ood.detector").KNN
    for train, labels, others in cases:
        neighbours = int(rng.integers(1, len(train) + 1))
        detector = theirs(None, k=neighbours).fit_features(*tensors(train, labels))
        expected = detector.predict_features(*tensors(others)).numpy()
        np.testing.assert_allclose(knn(train, others, neighbours=neighbours), expected, atol=2e-3)


def test_vim_is_energy_and_what_sklearns_components_leave_and_pytorch_oods():
    """OpenOOD's formula: the residual's norm times alpha, less logsumexp of the logits."""
    rng = np.random.default_rng(0)
    cases = [case for case in (features(rng) for _ in range(120)) if case[2].shape[1] >= 4 and len(case[0]) > 40]
    assert len(cases) > 40
    for train, labels, others in cases:
        weight, bias = layer(rng, train, labels)
        origin, dimension = -np.linalg.pinv(weight) @ bias, int(rng.integers(1, train.shape[1] - 1))
        components = TruncatedSVD(dimension, algorithm="arpack").fit(train - origin).components_

        def residual(points, components=components, origin=origin):
            return np.linalg.norm((points - origin) - (points - origin) @ components.T @ components, axis=1)

        alpha = (train @ weight.T + bias).max(axis=1).mean() / residual(train).mean()
        expected = alpha * residual(others) + energy((others @ weight.T + bias)[None])
        found = vim(train, others, weight, bias, dimension=dimension)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    theirs = peer("pytorch_ood.detector").ViM
    for train, labels, others in cases:
        weight, bias = layer(rng, train, labels)
        dimension = train.shape[1] // 2
        detector = theirs(None, dimension, *tensors(weight, bias)).fit_features(*tensors(train, labels))
        expected = detector.predict_features(*tensors(others)).numpy()
        found = vim(train, others, weight, bias, dimension=dimension)
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3 * np.abs(expected).max())


def test_relative_distance_is_sklearns_and_pytorch_oods():
    """pytorch-ood does not divide its covariances by the number of images."""
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(30):
        classes, dimension = int(rng.integers(2, 6)), int(rng.integers(2, 30))
        labels = np.arange(classes).repeat(rng.integers(50, 200, classes))
        mixing = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0] * rng.uniform(0.5, 2, dimension)
        train = rng.standard_normal((len(labels), dimension)) @ mixing + 3 * rng.standard_normal((classes, dimension))[labels]
        cases.append((train, labels, 3 * rng.standard_normal((50, dimension))))
    for train, labels, others in cases:
        means = np.stack([train[labels == number].mean(axis=0) for number in np.unique(labels)])
        within = EmpiricalCovariance(assume_centered=True).fit(train - means[labels])
        nearest = np.min([within.mahalanobis(others - mean) for mean in means], axis=0)
        expected = nearest - EmpiricalCovariance().fit(train).mahalanobis(others)
        np.testing.assert_allclose(rmds(train, labels, others), expected, rtol=1e-8, atol=1e-8)
    theirs = peer("pytorch_ood.detector").RMD
    for train, labels, others in cases:
        detector = theirs(None).fit_features(*tensors(train, labels))
        scaled = len(train) * detector.predict_features(*tensors(others)).numpy()
        np.testing.assert_allclose(rmds(train, labels, others), scaled, rtol=1e-2, atol=1e-3 * np.abs(scaled).max())


def test_the_distance_of_perturbed_images_is_pytorch_oods():
    """pytorch-ood halves the distance, does not divide its covariance by the number of images, and does not shrink it."""
    theirs = peer("pytorch_ood.detector").MahalanobisODIN
    rng = np.random.default_rng(0)
    for case in range(10):
        torch.manual_seed(case)
        network = Features(
            torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 20), torch.nn.Tanh(), torch.nn.Linear(20, 5))
        )
        labels = rng.integers(3, size=20_000)
        known = rng.integers(64, size=(3, 4, 4, 3))[labels] + rng.integers(128, size=(20_000, 4, 4, 3))
        others = rng.integers(256, size=(50, 4, 4, 3)).astype(np.uint8)
        train = penultimate(network, known.astype(np.uint8), batch_size=1000)
        eps_255 = float(rng.uniform(0.1, 3))
        after = functools.partial(perturbed, network, [others[:20], others[20:]], 16)
        found = mahalanobis_perturbed(train, labels, after, eps_255=eps_255)
        detector = theirs(network.features, eps=eps_255 / 255).fit_features(torch.tensor(train), torch.tensor(labels))
        scaled = 2 * len(train) * detector.predict(to_pixels(torch.tensor(others))).numpy()
        np.testing.assert_allclose(found, scaled, rtol=1e-2)
        assert (
            np.abs(mahalanobis(train, labels, network.features(to_pixels(torch.tensor(others))).detach()) - found)
            > 1e-2 * found
        ).any()


class Features(torch.nn.Module):
    """A network as far as its features go."""

    def __init__(self, features: torch.nn.Module) -> None:
        super().__init__()
        self.features = features


def test_distance_to_the_boundaries_is_openoods_and_pytorch_oods():
    """OpenOOD's sum over classes, less its sign, divided by their number less one."""
    rng = np.random.default_rng(0)
    cases = [features(rng) for _ in range(100)]
    for train, labels, others in cases:
        weight, bias = layer(rng, train, labels)
        expected = []
        for one in others:
            logits = weight @ one + bias
            ours = logits.argmax()
            sums = sum(
                (logits[ours] - logits[other]) / np.linalg.norm(weight[ours] - weight[other])
                for other in range(len(weight))
                if other != ours
            )
            expected.append(-sums / (len(weight) - 1) / np.linalg.norm(one - train.mean(axis=0)))
        np.testing.assert_allclose(fdbd(train, others, weight, bias), expected, rtol=1e-9)
    theirs = peer("pytorch_ood.detector").fDBD
    for train, labels, others in cases:
        weight, bias = layer(rng, train, labels)
        head = torch.nn.Linear(*weight.shape[::-1])
        head.weight.data, head.bias.data = tensors(weight, bias)
        detector = theirs(torch.nn.Identity(), head).fit_features(*tensors(train))
        expected = detector.predict_features(*tensors(others)).numpy()
        np.testing.assert_allclose(fdbd(train, others, weight, bias), expected, rtol=1e-3, atol=1e-4)
