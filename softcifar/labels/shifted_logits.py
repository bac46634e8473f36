"""The earlier (2020) variant of instance-based label smoothing: the logits themselves are the weights."""

import numpy as np

from softcifar.labels.source import on_arrays
from softcifar.params.options import require
from softcifar.params.ranges import Fraction


@on_arrays
def shifted_logits(labels, teacher_logits, *, epsilon: Fraction = 0.1):
    """With z' = z - min z: mass epsilon(x) = epsilon z'_y / sum z', spread over the others in proportion to z'_k.

    labels (N,); teacher_logits z (N, K); epsilon in [0, 1]; returns (N, K) with 1 - epsilon(x) on the label, which is at least
    1 - epsilon. A temperature would change nothing: only ratios of z' count. The class with the lowest logit has z' = 0.
    Where the wrong classes all have z' = 0 they share evenly, and where all z' are 0 (a uniform teacher) each class counts as
    1 / K, so epsilon(x) = epsilon / K.
    The published example (epsilon .1, a teacher of 95, 4 and 1 % -> .905, .076, .019) takes the percentages in the place of
    z'. Its lowest class does not have z' = 0, so with three classes no logits give it: with a fourth, logits whose z' are in
    the ratio 95 : 4 : 1 : 0 do, and `confidence_scaled` (confidence, instance_based) gives it from log-probabilities.
    """
    require(0 <= epsilon <= 1, "epsilon", epsilon, "0 to 1")
    one_hot = np.eye(teacher_logits.shape[1])[labels]
    shifted = _weights(teacher_logits - teacher_logits.min(axis=1, keepdims=True), np.ones_like(one_hot))
    mass = epsilon * (shifted * one_hot).sum(axis=1, keepdims=True) / shifted.sum(axis=1, keepdims=True)
    others = _weights(shifted, 1 - one_hot)
    return (1 - mass) * one_hot + mass * (others / others.sum(axis=1, keepdims=True))


def _weights(values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """`values` of the allowed classes (1, others 0), equal ones where all of these are 0; all (N, K)."""
    chosen = values * allowed
    return np.where(chosen.any(axis=1, keepdims=True), chosen, allowed)
