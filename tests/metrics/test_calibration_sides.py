"""The two sides of the ECE: golden numbers, and they sum to the ECE."""

import numpy as np
import pytest

from softcifar.metrics import expected_calibration_error
from softcifar.metrics.calibration_sides import overconfident_part, underconfident_part


def test_golden_parts():
    # Two images at .9, one right: .4 too sure. Two at .6, both right: .4 too modest. Each bin has half of the images.
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    labels = [0, 1, 0, 0]
    assert overconfident_part(probs, labels) == pytest.approx(0.2)
    assert underconfident_part(probs, labels) == pytest.approx(0.2)


def test_they_sum_to_the_error():
    generator = np.random.default_rng(0)
    for bins in (1, 7, 15):
        probs, labels = generator.dirichlet(np.full(4, 0.5), 300), generator.integers(4, size=300)
        parts = [part(probs, labels, bins=bins) for part in (overconfident_part, underconfident_part)]
        assert min(parts) >= 0
        assert sum(parts) == pytest.approx(expected_calibration_error(probs, labels, bins=bins))


def test_one_that_is_never_right_is_too_sure_alone():
    probs = np.array([[0.9, 0.1], [0.7, 0.3]])
    assert overconfident_part(probs, [1, 1]) == pytest.approx(0.8)
    assert underconfident_part(probs, [1, 1]) == 0
