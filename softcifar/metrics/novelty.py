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


def _ranks_and_sides(scores_in: object, scores_out: object) -> tuple[np.ndarray, np.ndarray]:
    """Dense ranks of all scores (equal scores, equal rank; infinities too) and True for the out images."""
    scores_in, scores_out = _scores(scores_in, "scores_in"), _scores(scores_out, "scores_out")
    _, ranks = np.unique(np.concatenate([scores_in, scores_out]), return_inverse=True)
    return ranks, np.arange(len(ranks)) >= len(scores_in)


def auroc(scores_in: object, scores_out: object) -> float:
    """Probability that an out image scores above an in image, ties counting one half; in [0, 1], chance 0.5.

    scores_in (N,), scores_out (M,), a higher score = more novel. UserError for other shapes, no score, or NaN.
    """
    # Imported where it is used: scikit-learn's metrics take 2 s to import, and most users of this package need none.
    from sklearn.metrics import roc_auc_score

    ranks, out = _ranks_and_sides(scores_in, scores_out)
    return float(roc_auc_score(out, ranks))


def average_precision(scores_in: object, scores_out: object, *, positive: str = "out") -> float:
    """Area under the precision-recall curve as average precision (steps, not trapezia); in (0, 1].

    Chance is the share of the positive side, so values with different `positive` ("out", or "in" with the scores
    reversed) or different set sizes do not compare. scores_in (N,), scores_out (M,); errors as in `auroc`.
    """
    from sklearn.metrics import average_precision_score

    if positive not in ("out", "in"):
        raise UserError(f"positive: {positive!r} found; 'out' or 'in' is allowed")
    ranks, out = _ranks_and_sides(scores_in, scores_out)
    return float(average_precision_score(out, ranks) if positive == "out" else average_precision_score(~out, -ranks))


def fpr_at_tpr(scores_in: object, scores_out: object, *, tpr: float = 0.95) -> float:
    """Share of in images called novel at the threshold that finds at least `tpr` of the out images; in [0, 1].

    An image is called novel where its score reaches the threshold; of the thresholds that find enough, the one with
    the smallest share of false alarms counts, exactly and with ties (no interpolation). 0 < tpr <= 1.
    scores_in (N,), scores_out (M,), a higher score = more novel; errors as in `auroc`.
    """
    if not (isinstance(tpr, Real) and 0 < tpr <= 1):
        raise UserError(f"tpr: {tpr!r} found; a number above 0 and up to 1 is allowed")
    scores_in, scores_out = _scores(scores_in, "scores_in"), np.sort(_scores(scores_out, "scores_out"))[::-1]
    # The k-th highest out score finds k of n (more with ties). k / n is compared, because tpr * n rounds up at times.
    found = np.arange(1, len(scores_out) + 1) / len(scores_out)
    threshold = scores_out[np.searchsorted(found, tpr)]
    return float((scores_in >= threshold).mean())
