"""Label smoothing: part of the mass spread evenly over all classes."""

import numpy as np

from softcifar.labels.source import on_arrays
from softcifar.params.options import require
from softcifar.params.ranges import Fraction


@on_arrays
def uniform(labels, num_classes, *, epsilon: Fraction = 0.1):
    """Label smoothing (Szegedy et al. 2016, section 7): (1 - epsilon) one-hot + epsilon / K.

    labels (N,) integers in 0..K-1; epsilon in [0, 1]; returns (N, K) with 1 - epsilon + epsilon / K on the label.
    """
    require(0 <= epsilon <= 1, "epsilon", epsilon, "0 to 1")
    return (1 - epsilon) * np.eye(num_classes)[labels] + epsilon / num_classes
