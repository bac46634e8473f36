"""Class-based label smoothing (cLS): a class is smoothed towards the classes that a teacher mistakes it for."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from softcifar.labels.source import on_arrays, spread
from softcifar.params.options import require
from softcifar.params.ranges import Fraction


@on_arrays
def class_based(labels, teacher_logits, *, epsilon: Fraction = 0.1):
    """1 - epsilon on the label y, epsilon * c_yk / (1 - c_yy) on the others, c_y = mean softmax over the images of class y.

    labels (N,); teacher_logits (N, K); epsilon in [0, 1]; returns (N, K), the same row for all images of a class. Compared as
    "cLS" in Maher & Kull 2021. The mean is over all the images given, so the whole training set belongs in one call. Computed
    in log space, so it is defined where the teacher is certain of every image.
    """
    require(0 <= epsilon <= 1, "epsilon", epsilon, "0 to 1")
    log_probs = log_softmax(teacher_logits, axis=1)
    log_sums = np.zeros((log_probs.shape[1],) * 2)  # a class without images keeps a row that no image reads
    for label in np.unique(labels):
        # The sum serves as the mean: only the proportions matter.
        log_sums[label] = logsumexp(log_probs[labels == label], axis=0)
    return spread(np.full(len(labels), float(epsilon)), labels, log_sums[labels])
