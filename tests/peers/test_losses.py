"""Losses and their gradients against torch, torchvision, timm and torch-uncertainty, on random logits in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

from softcifar import losses
from softcifar.labels.uniform import uniform
from tests.peers.conftest import logits, peer

CASES = 400


def cases(count=CASES, seed=0):
    rng = np.random.default_rng(seed)
    return (logits(rng) for _ in range(count))


def assert_same(ours, theirs, z, **tolerance):
    """The same loss of every image, and the same gradient of their sum by the logits z (B, K)."""
    z = z.clone().requires_grad_()
    one, two = ours(z), theirs(z)
    torch.testing.assert_close(one, two, **tolerance)
    torch.testing.assert_close(*(torch.autograd.grad(loss.sum(), z)[0] for loss in (one, two)), **tolerance)


def test_cross_entropy_is_torchs_for_labels_soft_targets_and_smoothing():
    for z, labels, targets in cases():
        assert_same(
            lambda z, t=labels: losses.cross_entropy(z, t, reduction="none"),
            lambda z, t=labels: F.cross_entropy(z, t, reduction="none"),
            z,
        )
        assert_same(
            lambda z, t=targets: losses.cross_entropy(z, t, reduction="none"),
            lambda z, t=targets: F.cross_entropy(z, t, reduction="none"),
            z,
        )
        smooth = uniform(labels, z.shape[1], epsilon=0.2)
        assert_same(
            lambda z, t=smooth: losses.cross_entropy(z, t, reduction="none"),
            lambda z, t=labels: F.cross_entropy(z, t, reduction="none", label_smoothing=0.2),
            z,
        )


def test_cross_entropy_is_timms_for_soft_targets_and_smoothing():
    timm = peer("timm.loss")
    for z, labels, targets in cases():
        torch.testing.assert_close(losses.cross_entropy(z, targets), timm.SoftTargetCrossEntropy()(z, targets))
        smooth = uniform(labels, z.shape[1], epsilon=0.1)
        torch.testing.assert_close(losses.cross_entropy(z, smooth), timm.LabelSmoothingCrossEntropy(0.1)(z, labels))


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5, 5.0])
def test_focal_loss_is_torch_uncertaintys(gamma):
    """gamma below 1 and near-certain predictions are left out: there 1 - p cancels in theirs and its slope overflows."""
    theirs = peer("torch_uncertainty.losses").FocalLoss(gamma, reduction="none")
    for z, labels, _ in cases():
        assert_same(
            lambda z, t=labels: losses.focal(z, t, gamma=gamma, reduction="none"),
            lambda z, t=labels: theirs(z, t),
            z.clamp(-8, 8),
            rtol=1e-6,
            atol=1e-9,
        )


def test_focal_loss_of_two_classes_is_torchvisions():
    rng = np.random.default_rng(0)
    for gamma in rng.choice([0.1, 0.2, 0.5, 1.0, 2.0, 3.5, 5.0], CASES):
        score, labels = torch.tensor(3 * rng.standard_normal(20)), torch.tensor(rng.integers(2, size=20))
        ours = losses.focal(torch.stack([torch.zeros(20), score], dim=1), labels, gamma=float(gamma), reduction="none")
        theirs = sigmoid_focal_loss(score, labels.double(), alpha=-1, gamma=float(gamma))
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("beta", [0.0, 0.1, 1.0, 8.0])
def test_confidence_penalty_is_torch_uncertaintys_less_the_constant_beta_log_k(beta):
    theirs = peer("torch_uncertainty.losses").ConfidencePenaltyLoss(beta, reduction="none", eps=1e-300)
    for z, labels, _ in cases():
        assert_same(
            lambda z, t=labels: losses.confidence_penalty(z, t, beta=beta, reduction="none") + beta * np.log(z.shape[1]),
            lambda z, t=labels: theirs(z, t),
            z,
            rtol=1e-6,
            atol=1e-6,  # log K is float32 there
        )


@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_distillation_is_torchs_divergence(temperature):
    for z, labels, _ in cases():
        teacher = z.flip(0) + 0.5
        there = F.kl_div(
            (z / temperature).log_softmax(1), (teacher / temperature).log_softmax(1), log_target=True, reduction="batchmean"
        )
        theirs = 0.9 * temperature**2 * there + 0.1 * F.cross_entropy(z, labels)
        torch.testing.assert_close(losses.distillation(z, teacher, labels, alpha=0.9, temperature=temperature), theirs)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.4])
def test_label_relaxation_is_torchs_divergence_from_the_projected_prediction(alpha):
    """Equations 5 and 6 of the paper: q gives the label 1 - alpha and shares alpha as the prediction does."""

    def theirs(z, labels):
        probs, hit = z.softmax(1), F.one_hot(labels, z.shape[1]).bool()
        with torch.no_grad():
            others = probs.masked_fill(hit, 0)
            projected = torch.where(hit, 1 - alpha, alpha * others / others.sum(1, keepdim=True))
        loss = F.kl_div(z.log_softmax(1), projected, reduction="none").sum(1)
        return loss.masked_fill(probs[hit] >= 1 - alpha, 0)

    for z, labels, _ in cases():
        z = z.clamp(-8, 8)
        assert_same(
            lambda z, t=labels: losses.label_relaxation(z, t, alpha=alpha, reduction="none"),
            lambda z, t=labels: theirs(z, t),
            z,
            rtol=1e-7,
            atol=1e-9,
        )
