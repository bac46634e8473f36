"""Selective classification: how wrong are the answers that are left where a network may refuse?

Images are answered in the order of a score, higher = more doubtful, as novelty scores are. Those of the same score stand in a
random order, of which the expectation is taken, so that the order of the images does not matter.
"""

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_array, as_floats

ROUNDING = 1e-12  # 5 errors of 100 are a risk of .05, whatever .05 is in binary


def risk_coverage(scores: object, wrong: object) -> tuple[np.ndarray, np.ndarray]:
    """The risk-coverage curve: (coverage, risk), float64 (N,) each, after 1 to N answers.

    scores (N,), higher = refused earlier; wrong (N,) whether the answer is wrong. coverage: share of images answered; risk:
    share of these answers that are wrong. UserError for other shapes, NaN or no image. Geifman & El-Yaniv 2017, eqs. 1, 2.
    """
    counts, errors = _groups(scores, wrong)
    answered = np.arange(1, counts.sum() + 1)
    return answered / counts.sum(), np.cumsum(np.repeat(errors / counts, counts)) / answered


def aurc(scores: object, wrong: object) -> float:
    """Area under the risk-coverage curve in [0, 1]: the mean risk after 1 to N answers, 0 is best.

    Arguments as in `risk_coverage`. An order that knows nothing gives the error rate. Geifman et al. 2019, section 3.
    """
    return float(risk_coverage(scores, wrong)[1].mean())


def augrc(scores: object, wrong: object) -> float:
    """Area under the generalised risk-coverage curve in [0, 1/2]: of the share of *all* images that are answered and wrong.

    Arguments as in `risk_coverage`. Trapezoids from no answer to all; equal to (1 - a) r (1 - r) + r^2 / 2 with the error rate
    r and the chance a that a wrong answer has a higher score than a right one: unlike in `aurc`, errors weigh alike wherever
    they stand. Traub et al. 2024, section 3.
    """
    coverage, risk = risk_coverage(scores, wrong)
    generalised = np.append(0.0, coverage * risk)
    return float((generalised[1:] + generalised[:-1]).mean() / 2)


def coverage_at_risk(scores: object, wrong: object, *, risk: float = 0.05) -> float:
    """The largest share of images, in [0, 1], that a threshold lets pass with at most this risk; 0 where none does.

    Arguments as in `risk_coverage`; risk in [0, 1]. A threshold takes all images of one score or none of them. It is
    chosen on these very images: a threshold from other images may let fewer pass, or more at a higher risk.
    Galil et al. 2023, section 3.
    """
    if not 0 <= risk <= 1:
        raise UserError(f"risk: {risk!r} found; 0 to 1 is allowed")
    counts, errors = _groups(scores, wrong)
    answered = np.cumsum(counts)
    allowed = np.cumsum(errors) <= answered * (risk + ROUNDING)
    return float(answered[allowed].max(initial=0) / answered[-1])


def _groups(scores: object, wrong: object) -> tuple[np.ndarray, np.ndarray]:
    """Images and wrong answers per value of the score, by rising score: int64 and float64, (G,)."""
    scores, wrong = as_floats(scores, "scores"), as_array(wrong, "wrong")
    if scores.ndim != 1 or scores.size == 0 or np.isnan(scores).any():
        raise UserError(f"scores: shape {scores.shape} or NaN found; (N,) numbers, one per image, are allowed")
    if wrong.shape != scores.shape or not np.isin(wrong, (0, 1)).all():
        raise UserError(f"wrong: shape {wrong.shape}; {scores.shape} of true and false, one per score, is allowed")
    _, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return counts, np.bincount(where, weights=wrong)
