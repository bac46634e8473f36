"""Label smoothing whose mass depends on how sure a teacher is of the label (Maher & Kull 2021, ILS1 and ILS)."""

import numpy as np
from scipy.special import softmax

from softcifar.labels.source import on_arrays, spread
from softcifar.params.options import require
from softcifar.params.ranges import Fraction, NonNegative, Positive


@on_arrays
def adaptive_uniform(labels, teacher_logits, *, p1: Fraction = 0.9, p2: NonNegative = 2.0, temperature: Positive = 1.0):
    """Adaptive mass, spread evenly (ILS1): 1 - epsilon(x) on the label, epsilon(x) / (K - 1) on each of the others.

    epsilon(x) = p2 (p_y - p1)^2, clamped to [0, 0.5], with p = softmax(teacher_logits / temperature). labels (N,);
    teacher_logits (N, K), divided by the teacher's fitted temperature beforehand (`calibrated: true`); p1 in [0, 1] is the
    teacher's confidence at which nothing is smoothed, p2 >= 0 the scale; temperature > 0. Returns (N, K).
    With p1 .8 and p2 2: p_y .5 -> epsilon .18, .6 -> .08, .8 -> 0, 1 -> .08.
    """
    return spread(_mass(labels, teacher_logits, p1, p2, temperature), labels, np.zeros_like(teacher_logits))


@on_arrays
def adaptive_instance_based(labels, teacher_logits, *, p1: Fraction = 0.9, p2: NonNegative = 2.0, temperature: Positive = 1.0):
    """Adaptive mass and instance-based spread (ILS): the mass of `adaptive_uniform`, spread as in `instance_based`.

    labels (N,); teacher_logits (N, K); p1, p2 and temperature as in `adaptive_uniform`. Returns (N, K).
    """
    return spread(_mass(labels, teacher_logits, p1, p2, temperature), labels, teacher_logits / temperature)


def _mass(labels: np.ndarray, teacher_logits: np.ndarray, p1: float, p2: float, temperature: float) -> np.ndarray:
    """epsilon(x) of every image (N,)."""
    require(0 <= p1 <= 1, "p1", p1, "0 to 1")
    require(p2 >= 0, "p2", p2, "at least 0")
    require(temperature > 0, "temperature", temperature, "above 0")
    confidence = softmax(teacher_logits / temperature, axis=1)[np.arange(len(labels)), labels]
    return np.clip(p2 * (confidence - p1) ** 2, 0, 0.5)
