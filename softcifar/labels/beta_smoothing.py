"""Beta smoothing (Zhang & Sabuncu, NeurIPS 2020): random confidences, ordered as the student's own are."""

import numpy as np
from scipy.special import logsumexp

from softcifar.labels.source import on_arrays, spread
from softcifar.params.options import require
from softcifar.params.ranges import Positive


@on_arrays
def beta_smoothing(labels, student_logits, seed, *, concentration: Positive = 9.0):
    """b_i on the label, (1 - b_i) / (K - 1) on each other class; the largest b goes to the most confident image of the batch.

    The b of the N images are drawn from Beta(concentration, 1), whose mean is concentration / (concentration + 1): the
    default takes .1 from the label on average, like the other sources' epsilon. Confidence is the student's probability of
    the label; images of equal confidence stay in the order of the batch.
    labels (N,); student_logits (N, K) of the network that learns (the paper's is a moving average of it); seed: a
    non-negative integer, the same one gives the same labels; concentration > 0. Returns (N, K).
    """
    require(concentration > 0, "concentration", concentration, "above 0")
    rows = np.arange(len(labels))
    # Odds, in log space, still order the images whose probability rounds to 1.
    others = student_logits.copy()
    others[rows, labels] = -np.inf
    order = np.argsort(student_logits[rows, labels] - logsumexp(others, axis=1), kind="stable")
    confidence = np.empty(len(labels))
    # U^(1 / a) of a uniform U is Beta(a, 1), for any a > 0 without overflow.
    confidence[order] = np.sort(np.random.default_rng(seed).random(len(labels)) ** (1 / concentration))
    return spread(1 - confidence, labels, np.zeros_like(student_logits))
