"""Instance-based label smoothing (Maher & Kull 2021): what a teacher saw in an image decides how it is smoothed."""

import numpy as np
from scipy.special import softmax

from softcifar.labels.source import on_arrays, spread
from softcifar.options import require
from softcifar.ranges import Fraction, NonNegative, Positive


@on_arrays
def instance_based(labels, teacher_logits, *, epsilon: Fraction = 0.1, temperature: Positive = 1.0):
    """Constant mass, spread as the teacher sees it (ILS2): 1 - epsilon on the label, epsilon * p_k / (1 - p_y) on the others.

    labels (N,); teacher_logits (N, K), p = softmax(teacher_logits / temperature); epsilon in [0, 1]; temperature > 0.
    Returns (N, K). Defined also where the teacher is certain: the spread is computed from the wrong classes' logits alone.
    """
    require(0 <= epsilon <= 1, "epsilon", epsilon, "0 to 1")
    require(temperature > 0, "temperature", temperature, "above 0")
    return spread(np.full(len(labels), float(epsilon)), labels, teacher_logits / temperature)


@on_arrays
def adaptive_instance_based(labels, teacher_logits, *, p1: Fraction = 0.9, p2: NonNegative = 2.0, temperature: Positive = 1.0):
    """Adaptive mass and instance-based spread (ILS): epsilon(x) = p2 (p_y - p1)^2, clamped to [0, 0.5], spread as in ILS2.

    labels (N,); teacher_logits (N, K), divided by the teacher's fitted temperature beforehand (`calibrated: true`) and by
    `temperature`; p1 in [0, 1] is the teacher's confidence at which nothing is smoothed, p2 >= 0 the scale. Returns (N, K).
    With p1 .8 and p2 2: p_y .5 -> .18, .6 -> .08, .8 -> 0, 1 -> .08.
    """
    require(0 <= p1 <= 1, "p1", p1, "0 to 1")
    require(p2 >= 0, "p2", p2, "at least 0")
    require(temperature > 0, "temperature", temperature, "above 0")
    scaled = teacher_logits.astype(np.float64) / temperature
    confidence = softmax(scaled, axis=1)[np.arange(len(labels)), labels]
    epsilon = np.clip(p2 * (confidence - p1) ** 2, 0, 0.5)
    return spread(epsilon, labels, scaled)
