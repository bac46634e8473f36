"""What figures compute before they draw: losses as the training has them, classes that tell, the same map every time."""

import numpy as np
import pytest
import torch

from softcifar.losses.cross_entropy import cross_entropy
from softcifar.losses.label_relaxation import label_relaxation
from softcifar.report.figures.loss_maps import mesh, relaxation, smooth_target, smoothing
from softcifar.report.figures.tsne import flat
from softcifar.report.structure import chosen_images, three_classes
from tests.report.fixture import read


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


def test_dog_cat_and_ship_are_taken_where_they_exist(study):
    results = read(*study)
    results.manifest["classes"] = ["ship", "frog", "dog", "truck", "cat"]
    assert three_classes(results).classes == (2, 4, 0)


def test_else_the_two_most_alike_and_the_one_least_like_them(study):
    """In the fabricated study every class is confused with the next one, so its opposite is two steps away."""
    trio = three_classes(read(*study))
    a, b, c = trio.classes
    assert b - a in (1, 4)
    assert (c - a) % 5 not in (1, 4)
    assert "people's votes" in trio.why


def test_without_known_distributions_a_teacher_judges(study):
    results = read(*study)
    for arrays in results.splits.values():
        arrays.pop("votes")
        arrays.pop("exact")
    assert "teacher crossfitted" in three_classes(results).why
    results.teachers.clear()
    assert "hard" in three_classes(results).why


def test_two_classes_have_no_trio(study):
    results = read(*study)
    results.manifest["classes"] = ["cat", "dog"]
    assert three_classes(results) is None


def test_chosen_images_are_evenly_spaced_within_each_class():
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 2])
    assert chosen_images(labels, (0, 2), 2).tolist() == [0, 6, 7]


def test_the_flat_map_keeps_groups_and_is_the_same_every_time():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(6 * group, 1, (30, 5)) for group in range(3)])
    first = flat(points)
    assert np.array_equal(first, flat(points))
    assert np.linalg.norm(first, axis=1).max() == pytest.approx(1)
    centres = first.reshape(3, 30, 2).mean(axis=1)
    nearest = np.linalg.norm(first[:, None] - centres[None], axis=2).argmin(axis=1)
    assert (nearest == np.repeat(np.arange(3), 30)).mean() > 0.95
