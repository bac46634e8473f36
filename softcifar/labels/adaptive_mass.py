"""Label smoothing whose mass depends on how sure a teacher is of the label (Maher & Kull 2021, ILS1 and ILS)."""

import numpy as np
from scipy.special import softmax

from softcifar.labels.source import on_arrays, spread
from softcifar.params.options import require
from softcifar.params.ranges import Fraction, NonNegative, Positive


@on_arrays
def adaptive_uniform(labels, calibrated_logits, *, p1: Fraction = 0.9, p2: NonNegative = 2.0):
    """Adaptive mass, spread evenly (ILS1): 1 - epsilon(x) on the label, epsilon(x) / (K - 1) on each of the others.

    epsilon(x) = p2 (p_y - p1)^2, clamped to [0, 0.5], with p = softmax(calibrated_logits). labels (N,); calibrated_logits
    (N, K), the teacher's divided by its fitted temperature; p1 in [0, 1] is the teacher's confidence at which nothing is
    smoothed, p2 >= 0 the scale. Returns (N, K). With p1 .8 and p2 2: p_y .5 -> epsilon .18, .6 -> .08, .8 -> 0, 1 -> .08.
    """
    return spread(_mass(labels, calibrated_logits, p1, p2), labels, np.zeros_like(calibrated_logits))


@on_arrays
def adaptive_instance_based(
    labels, teacher_logits, calibrated_logits, *, p1: Fraction = 0.9, p2: NonNegative = 2.0, temperature: Positive = 1.0
):
    """Adaptive mass and instance-based spread (ILS): the mass of `adaptive_uniform`, spread as in `instance_based`.

    The two have a temperature each: the mass is of the calibrated teacher, the spread of softmax(teacher_logits /
    temperature). labels (N,); teacher_logits (N, K) as the teacher gave them; calibrated_logits (N, K), p1 and p2 as in
    `adaptive_uniform`; temperature > 0. Returns (N, K).
    """
    require(temperature > 0, "temperature", temperature, "above 0")
    return spread(_mass(labels, calibrated_logits, p1, p2), labels, teacher_logits / temperature)


def _mass(labels: np.ndarray, calibrated_logits: np.ndarray, p1: float, p2: float) -> np.ndarray:
    """epsilon(x) of every image (N,)."""
    require(0 <= p1 <= 1, "p1", p1, "0 to 1")
    require(p2 >= 0, "p2", p2, "at least 0")
    confidence = softmax(calibrated_logits, axis=1)[np.arange(len(labels)), labels]
    return np.clip(p2 * (confidence - p1) ** 2, 0, 0.5)
