"""Soft bootstrapping (Reed et al., ICLR workshop 2015): the label blended with the student's current prediction."""

import numpy as np
from scipy.special import softmax

from softcifar.labels.source import on_arrays
from softcifar.params.options import require
from softcifar.params.ranges import Fraction


@on_arrays
def soft_bootstrapping(labels, student_logits, *, beta: Fraction = 0.95):
    """beta * one-hot + (1 - beta) * softmax(student_logits).

    labels (N,); student_logits (N, K) of the network that learns; beta in [0, 1]. Returns (N, K) with
    beta + (1 - beta) p_y on the label.
    """
    require(0 <= beta <= 1, "beta", beta, "0 to 1")
    return beta * np.eye(student_logits.shape[1])[labels] + (1 - beta) * softmax(student_logits, axis=1)
