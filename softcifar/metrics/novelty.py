"""How well a score separates images of another kind (out) from the study's own (in); a higher score = more novel."""

from numbers import Real

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_floats


def _scores(values: object, name: str) -> np.ndarray:
    scores = as_floats(values, name)
    if scores.ndim != 1 or scores.size == 0:
        raise UserError(f"{name}: shape {scores.shape}; (N,) with at least one score is allowed")
    if np.isnan(scores).any():
        raise UserError(f"{name}: NaN found; numbers are allowed (infinite ones too)")
    return scores


def _counts(scores_in: object, scores_out: object) -> tuple[np.ndarray, np.ndarray]:
    """How many in and out images have each of the distinct scores (infinities too), float64 (V,), rising."""
    scores_in, scores_out = _scores(scores_in, "scores_in"), _scores(scores_out, "scores_out")
    values, place = np.unique(np.concatenate([scores_in, scores_out]), return_inverse=True)
    sides = np.split(place, [len(scores_in)])
    found_in, found_out = (np.bincount(side, minlength=len(values)).astype(np.float64) for side in sides)
    return found_in, found_out


def auroc(scores_in: object, scores_out: object) -> float:
    """Probability that an out image scores above an in image, ties counting one half; in [0, 1], chance 0.5.

    scores_in (N,), scores_out (M,), a higher score = more novel. UserError for other shapes, no score, or NaN.
    """
    found_in, found_out = _counts(scores_in, scores_out)
    below = found_in.cumsum() - found_in
    return float(found_out @ (below + found_in / 2) / (found_in.sum() * found_out.sum()))


def average_precision(scores_in: object, scores_out: object, *, positive: str = "out") -> float:
    """Area under the precision-recall curve as average precision (steps, not trapezia); in (0, 1].

    Chance is the share of the positive side, so values with different `positive` ("out", or "in" with the scores
    reversed) or different set sizes do not compare. scores_in (N,), scores_out (M,), a higher score = more novel.
    UserError for other shapes, no score, or NaN.
    """
    if positive not in ("out", "in"):
        raise UserError(f"positive: {positive!r} found; 'out' or 'in' is allowed")
    found_in, found_out = _counts(scores_in, scores_out)
    wanted, other = (found_out[::-1], found_in[::-1]) if positive == "out" else (found_in, found_out)
    precision = wanted.cumsum() / (wanted + other).cumsum()
    return float(wanted @ precision / wanted.sum())


def fpr_at_tpr(scores_in: object, scores_out: object, *, tpr: float = 0.95) -> float:
    """Share of in images called novel at the threshold that finds at least `tpr` of the out images; in [0, 1].

    An image is called novel where its score reaches the threshold; of the thresholds that find enough, the one with
    the smallest share of false alarms counts, exactly and with ties (no interpolation). 0 < tpr <= 1.
    scores_in (N,), scores_out (M,), a higher score = more novel. UserError for other shapes, no score, or NaN.
    """
    if not (isinstance(tpr, Real) and 0 < tpr <= 1):
        raise UserError(f"tpr: {tpr!r} found; a number above 0 and up to 1 is allowed")
    scores_in, scores_out = _scores(scores_in, "scores_in"), np.sort(_scores(scores_out, "scores_out"))[::-1]
    # The k-th highest out score finds k of n (more with ties). k / n is compared, because tpr * n rounds up at times.
    rates = np.arange(1, len(scores_out) + 1) / len(scores_out)
    threshold = scores_out[np.searchsorted(rates, tpr)]
    return float((scores_in >= threshold).mean())
