"""Coverage and size of sets of classes, counted by hand."""

import numpy as np
import pytest

from softcifar.errors import UserError
from softcifar.metrics.prediction_sets import class_coverage, covered, set_sizes

SETS = np.array([[True, True, False], [False, True, False], [False, False, False], [True, True, True]])


def test_a_label_is_held_or_not():
    assert covered(SETS, [1, 0, 2, 2]).tolist() == [1, 0, 0, 1]


def test_of_a_distribution_its_share_is_held():
    targets = np.array([[0.5, 0.2, 0.3], [0.1, 0.9, 0], [1, 0, 0], [0.2, 0.3, 0.5]])
    assert covered(SETS, targets) == pytest.approx([0.7, 0.9, 0, 1])


def test_sizes_and_classes():
    assert set_sizes(SETS).tolist() == [2, 1, 0, 3]
    np.testing.assert_allclose(class_coverage(SETS, [1, 1, 0, 0]), [0.5, 1, np.nan])


@pytest.mark.parametrize(
    ("sets", "labels", "message"),
    [
        (SETS[0], [0], r"sets: shape \(3,\)"),
        (0.5 * SETS, [0] * 4, "sets: "),
        (SETS, [3, 0, 0, 0], "labels: values from 0 to 3"),
        (SETS, np.full((4, 3), 0.5), "targets: a row sums to 1.5"),
        (SETS, np.full((2, 3), 1 / 3), r"targets: shape \(2, 3\)"),
    ],
)
def test_mistakes(sets, labels, message):
    with pytest.raises(UserError, match=message):
        covered(sets, labels)
