"""The two moons: entropy knows borders, density knows where the data are."""

import numpy as np
import pytest

from softcifar.illustrations.two_moons import STEPS, uncertainty_maps


@pytest.fixture(scope="module")
def found():
    return uncertainty_maps(points=200, noise=0.1, members=2, epochs=25, seed=0)


def nearest(found, x, y):
    return np.abs(found["down"] - y).argmin(), np.abs(found["across"] - x).argmin()


def test_shapes_and_ranges(found):
    assert found["points"].shape == (200, 2)
    for name in ("softmax_entropy", "ensemble_entropy", "normalised_entropy", "density"):
        assert found[name].shape == (STEPS, STEPS)
        assert np.isfinite(found[name]).all()
        if name != "density":
            assert found[name].min() >= 0
            assert found[name].max() <= np.log(2) + 1e-9


def test_the_networks_learned_the_moons_and_are_sure_there(found):
    for x, y in ((0, 1), (1, -0.5)):  # the middles of the moons
        assert found["softmax_entropy"][nearest(found, x, y)] < 0.1
        assert found["normalised_entropy"][nearest(found, x, y)] < 0.1


def test_density_calls_the_far_plane_unknown_where_entropy_does_not(found):
    near = [found["density"][nearest(found, *point)] for point in found["points"]]
    corners = [(-2.4, 2.9), (3.4, -2.4), (-2.4, -2.4), (3.4, 2.9)]
    assert min(found["density"][nearest(found, *corner)] for corner in corners) > max(near)
    assert min(found["normalised_entropy"][nearest(found, *corner)] for corner in corners) < 0.1


def test_the_same_seed_gives_the_same_maps():
    first, again, other = (uncertainty_maps(points=40, noise=0.1, members=1, epochs=2, seed=seed) for seed in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["softmax_entropy"], other["softmax_entropy"])
