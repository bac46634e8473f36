"""Labels from votes by a model of how annotators err (Dawid & Skene, Applied Statistics 1979), fitted by EM in log space."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from softcifar.labels.source import on_arrays
from softcifar.params.options import require
from softcifar.params.ranges import PositiveFraction, PositiveInt

TINY = np.finfo(np.float64).tiny  # stands for a prior of 0, of a class that nobody named
LEAST = 1e-10  # added to every confusion's count, so that what nobody did yet is not impossible


class Estimated(NamedTuple):
    """posterior (N, K): p(class | votes) of every image; priors (K,); confusions (A, K, K): of annotator a, p(says j | class i)
    in row i."""

    posterior: np.ndarray
    priors: np.ndarray
    confusions: np.ndarray


def estimate(answers: np.ndarray, *, iterations: int = 100, tolerance: float = 1e-6) -> Estimated:
    """Classes, priors and confusion matrices of A annotators that give the answers the largest likelihood, by EM.

    answers (A, N, K): how often annotator a called image n class k; an annotator may have seen a part of the images, every
    image needs an answer. EM (equations 2.3 to 2.5 of the paper) begins with the answers' shares as the posterior and ends
    after `iterations`, or when the mean log likelihood of an image rises by less than `tolerance` nats. It finds a local
    maximum. float64.
    """
    shares = answers.sum(axis=0, dtype=np.float64)
    posterior, before = shares / shares.sum(axis=1, keepdims=True), -np.inf
    for _ in range(iterations):
        priors = posterior.mean(axis=0)
        confusions = posterior.T @ answers + LEAST
        confusions /= confusions.sum(axis=2, keepdims=True)
        joint = np.log(np.maximum(priors, TINY)) + (answers @ np.log(confusions).swapaxes(1, 2)).sum(axis=0)
        likelihood = logsumexp(joint, axis=1, keepdims=True)
        posterior = np.exp(joint - likelihood)
        if likelihood.mean() - before < tolerance:
            break
        before = likelihood.mean()
    return Estimated(posterior, priors, confusions)


@on_arrays
def dawid_skene(votes, *, iterations: PositiveInt = 100, tolerance: PositiveFraction = 1e-6):
    """The probability of every class given an image's votes, all votes by annotators with one confusion matrix.

    Votes come without the names of those who gave them, so one matrix stands for all annotators (`estimate` has one for each).
    For CIFAR-10N that is all that its published table allows: its three columns are not three people, every batch of images was
    labelled by other workers. What the model adds to `human` is how often each class is taken for which other one, and how
    frequent it is; three votes of which two agree become nearly certain.
    votes (N, K) counts, each row with at least one vote; iterations, tolerance: see `estimate`; returns (N, K).
    """
    require(iterations >= 1, "iterations", iterations, "at least 1")
    require(tolerance > 0, "tolerance", tolerance, "above 0")
    return estimate(votes[None], iterations=iterations, tolerance=tolerance).posterior if len(votes) else votes.copy()
