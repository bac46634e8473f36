"""Instance-based label smoothing (Maher & Kull 2021): what a teacher saw in an image decides how it is smoothed."""

import numpy as np

from softcifar.labels.source import on_arrays, spread
from softcifar.params.options import require
from softcifar.params.ranges import Fraction, Positive


@on_arrays
def instance_based(labels, teacher_logits, *, epsilon: Fraction = 0.1, temperature: Positive = 1.0):
    """Constant mass, spread as the teacher sees it (ILS2): 1 - epsilon on the label, epsilon * p_k / (1 - p_y) on the others.

    labels (N,); teacher_logits (N, K), p = softmax(teacher_logits / temperature); epsilon in [0, 1]; temperature > 0.
    Returns (N, K). Defined also where the teacher is certain: the spread is computed from the wrong classes' logits alone.
    """
    require(0 <= epsilon <= 1, "epsilon", epsilon, "0 to 1")
    require(temperature > 0, "temperature", temperature, "above 0")
    return spread(np.full(len(labels), float(epsilon)), labels, teacher_logits / temperature)
