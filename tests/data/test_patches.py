"""The covariance of 2x2 patches: against the sum over every patch, and the same in whatever pieces it is counted."""

import numpy as np
import pytest

from softcifar.data import patches
from softcifar.data.patches import patch_covariance


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_mean_product_over_all_patches(channels):
    images = np.random.default_rng(0).integers(0, 256, (7, 5, 4, channels), dtype=np.uint8)
    mean, std = [0.4, 0.5, 0.6][:channels], [0.2, 0.25, 0.3][:channels]
    standardised = (images / 255 - mean) / std
    total, count = np.zeros((4 * channels, 4 * channels)), 0
    for image in standardised:
        for y in range(4):
            for x in range(3):
                patch = image[y : y + 2, x : x + 2].transpose(2, 0, 1).ravel()  # as a convolution's weight: (C, 2, 2)
                total, count = total + np.outer(patch, patch), count + 1
    np.testing.assert_allclose(patch_covariance(images, mean, std), total / count, rtol=1e-12)


def test_it_does_not_depend_on_the_pieces(monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (50, 6, 6, 3), dtype=np.uint8)
    once = patch_covariance(images, [0.5] * 3, [0.25] * 3)
    monkeypatch.setattr(patches, "AT_ONCE", 7)
    assert patch_covariance(images, [0.5] * 3, [0.25] * 3) == once


def test_images_without_a_patch_have_none():
    images = np.zeros((5, 1, 8, 1), dtype=np.uint8)
    assert patch_covariance(images, [0.5], [0.25]) == np.eye(4).tolist()
