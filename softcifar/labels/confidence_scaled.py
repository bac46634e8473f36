"""Label smoothing in proportion to a teacher's confidence in the label, or to its doubt (Maher & Kull)."""

from typing import Literal

import numpy as np
from scipy.special import softmax

from softcifar.labels.source import on_arrays
from softcifar.labels.source import spread as spread_mass
from softcifar.params.options import require
from softcifar.params.ranges import Fraction, Positive

# "confidence" smooths most where the teacher is sure of the label, "doubt" where it is not.
Mass = Literal["confidence", "doubt"]
Spread = Literal["uniform", "instance_based"]


@on_arrays
def confidence_scaled(
    labels,
    teacher_logits,
    *,
    mass: Mass = "confidence",
    spread: Spread = "instance_based",
    epsilon: Fraction = 0.1,
    temperature: Positive = 1.0,
):
    """1 - epsilon(x) on the label; epsilon(x) = epsilon p_y ("confidence") or epsilon (1 - p_y) ("doubt") over the others.

    labels (N,); teacher_logits (N, K), p = softmax(teacher_logits / temperature); spread evenly ("uniform") or in proportion
    to p_k ("instance_based"); epsilon in [0, 1]; temperature > 0. Returns (N, K), always with sum 1. The four combinations are
    what the published code calls v1, v11, v12 and v112.
    """
    require(mass in ("confidence", "doubt"), "mass", mass, "confidence, doubt")
    require(spread in ("uniform", "instance_based"), "spread", spread, "uniform, instance_based")
    require(0 <= epsilon <= 1, "epsilon", epsilon, "0 to 1")
    require(temperature > 0, "temperature", temperature, "above 0")
    scaled = teacher_logits / temperature
    confidence = softmax(scaled, axis=1)[np.arange(len(labels)), labels]
    amount = epsilon * (confidence if mass == "confidence" else 1 - confidence)
    return spread_mass(amount, labels, scaled if spread == "instance_based" else np.zeros_like(scaled))
