"""The maps of losses show what the training minimises."""

import numpy as np
import pytest
import torch

from softcifar.losses.cross_entropy import cross_entropy
from softcifar.losses.label_relaxation import label_relaxation
from softcifar.report.chapters.labels.loss_maps import mesh, relaxation, smooth_target, smoothing


@pytest.mark.parametrize("strength", [0.05, 0.25, 0.6])
def test_maps_show_the_losses_that_train(strength):
    probs, _ = mesh(12)
    logits, labels = torch.tensor(probs).log(), torch.zeros(len(probs), dtype=torch.long)
    expected = label_relaxation(logits, labels, alpha=strength, reduction="none")
    assert relaxation(probs, strength) == pytest.approx(expected.numpy(), abs=1e-9)
    target = smooth_target(strength)
    least = -(target * np.log(target)).sum()
    targets = torch.tensor(target).expand(len(probs), 3)
    assert smoothing(probs, strength) + least == pytest.approx(cross_entropy(logits, targets, reduction="none").numpy())
    assert smoothing(probs, 0.0) == pytest.approx(cross_entropy(logits, labels, reduction="none").numpy())


def test_the_mesh_covers_the_simplex_once():
    probs, triangles = mesh(9)
    assert probs.sum(axis=1) == pytest.approx(1)
    assert len(probs) == 10 * 11 / 2
    assert len(triangles) == 9**2
    corners = probs[triangles][:, :, :2]
    (x1, y1), (x2, y2) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    assert np.abs(x1 * y2 - x2 * y1).sum() / 2 == pytest.approx(0.5, abs=0.01)
