"""Classes that tell, and the same map every time."""

import numpy as np
import pytest

from softcifar.report.chapters.structure.classes import chosen_images, three_classes
from softcifar.report.chapters.structure.tsne import flat
from tests.report.fixture import read


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
    assert "simulated annotators' votes" in trio.why


def test_without_known_distributions_a_teacher_judges(study):
    results = read(*study)
    for arrays in results.splits[0].values():
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
