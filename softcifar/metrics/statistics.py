"""Means over seeds with their spread, and comparisons of two students paired by seed."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_floats

FEWEST = 3  # paired values for a test
RESAMPLES = 10_000


class PairedComparison(NamedTuple):
    difference: float  # mean of a - b
    interval: tuple[float, float]  # 95 % bootstrap percentile interval of the difference
    p_value: float  # two-sided paired t test


def _values(values: object, name: str) -> np.ndarray:
    array = as_floats(values, name)
    if array.ndim != 1 or array.size == 0:
        raise UserError(f"{name}: shape {array.shape}; (n,) with at least one value is allowed, one per seed")
    return array


def mean_and_standard_error(values: object) -> tuple[float, float]:
    """Mean and its standard error (standard deviation with n - 1, over sqrt n); the error is NaN for one value.

    values (n,), one per seed. A value that is not finite (a metric that is not defined there) makes both NaN.
    UserError for other shapes or none.
    """
    values = _values(values, "values")
    if not np.isfinite(values).all():
        return math.nan, math.nan
    count = len(values)
    error = values.std(ddof=1) / math.sqrt(count) if count > 1 else math.nan
    return float(values.mean()), float(error)


def paired_comparison(a: object, b: object) -> PairedComparison:
    """Compare two students over the same seeds: mean of a - b, its 95 % bootstrap interval, p of a paired t test.

    a, b (n,), the same seed at the same place. No test below three seeds, nor where all differences are equal: p is
    NaN (accuracies are whole counts of images, so equal differences happen by chance; all 0 give p = 1). n = 1 gives NaN
    for the interval too. A value that is not finite (a metric that is not defined there) makes the whole comparison NaN.
    UserError for other shapes, other lengths, or none.

    With few seeds (3 to 5) trust the t test: it allows for a spread estimated from n - 1 differences, while a
    percentile interval of n values never leaves their range and is too narrow (n = 3 has 10 distinct resamples);
    rank tests cannot reach p < .05 below n = 6. The resampling has a fixed seed: same input, same interval.
    """
    a, b = _values(a, "a"), _values(b, "b")
    if a.shape != b.shape:
        raise UserError(f"b: {len(b)} values; {len(a)} are allowed, as many as in a, paired by seed")
    with np.errstate(invalid="ignore"):  # inf - inf
        differences = a - b
    count = len(differences)
    mean = float(differences.mean()) if np.isfinite(differences).all() else math.nan
    if count == 1 or math.isnan(mean):
        return PairedComparison(mean, (math.nan, math.nan), math.nan)
    picks = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    low, high = np.percentile(differences[picks].mean(axis=1), [2.5, 97.5])
    return PairedComparison(mean, (float(low), float(high)), _t_test(differences))


def _t_test(differences: np.ndarray) -> float:
    """Two-sided p of a one-sample t test of mean 0; NaN where n or the spread is too small to tell."""
    count = len(differences)
    if not differences.any():
        return 1.0
    if count < FEWEST or np.ptp(differences) <= 1e-12 * np.abs(differences).max():
        return math.nan
    differences = differences / np.abs(differences).max()  # so that no square underflows
    t = differences.mean() / (differences.std(ddof=1) / math.sqrt(count))
    return float(2 * stdtr(count - 1, -abs(t)))


def holm(p_values: object) -> np.ndarray:
    """P values corrected for the number of comparisons (Holm 1979): reject where the result is below the level.

    p_values (n,) in [0, 1], NaN where there was no test: NaN stays NaN and does not count as a comparison; none gives
    none. Returns float64 (n,), in the same order. UserError for other shapes or ranges.
    """
    p_values = as_floats(p_values, "p_values")
    tested = ~np.isnan(p_values)
    compared = p_values[tested]
    if p_values.ndim != 1 or not ((compared >= 0) & (compared <= 1)).all():
        raise UserError(f"p_values: shape {p_values.shape}, or values outside [0, 1]; (n,) in [0, 1] is allowed")
    order = np.argsort(compared, kind="stable")
    steps = compared[order] * np.arange(len(compared), 0, -1)
    corrected = np.full(p_values.shape, np.nan)
    corrected[np.flatnonzero(tested)[order]] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected
