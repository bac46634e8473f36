"""Means over runs with their spread, comparisons of two students paired by run, and what so many runs can show."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import nctdtr, nctdtrinc, ndtri, stdtr, stdtrit

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_floats

FEWEST = 3  # paired values for a test
# Two-sided level of every test that decides something, half of it on each side. Student's t is exact for normal spreads; where
# runs are skewed and one student spreads twice as far as the other, it errs up to three and a half times as often as its
# level says, and so still in less than 3 % of the cases (docs/verdicts.md has the simulated rates).
LEVEL = 0.015
INTERVAL = 0.05  # two-sided, of the intervals that are shown
POWER = 0.8
MOST = 10_000  # runs: of what takes more, nobody counts how many
EQUAL = 1e-9  # differences that lie so much nearer to each other than to 0 are equal but for rounding


class Estimate(NamedTuple):
    """A mean difference over `count` pairs and its standard error, NaN where there is none, with its degrees of freedom."""

    mean: float
    error: float
    freedom: int
    count: int

    def rounds_to_0(self, value: float) -> bool:
        """Is the value 0 but for rounding: nothing beside the spread of the pairs, or beside 1?"""
        spread = self.error * math.sqrt(self.count) if self.error > 0 else 0.0
        return abs(value) < EQUAL * max(spread, 1.0)

    def interval(self, level: float = INTERVAL) -> tuple[float, float]:
        """Student's t interval at confidence 1 - level; NaN, NaN without a standard error."""
        half = stdtrit(self.freedom, 1 - level / 2) * self.error if self.error > 0 else math.nan
        return float(self.mean - half), float(self.mean + half)

    def p_above(self, bound: float = 0.0) -> float:
        """One-sided p against a true mean of at most `bound`; NaN without a standard error."""
        return float(stdtr(self.freedom, (bound - self.mean) / self.error)) if self.error > 0 else math.nan

    def p_equal(self) -> float:
        """Two-sided p against a true mean of 0; NaN without a standard error."""
        return 2 * float(stdtr(self.freedom, -abs(self.mean) / self.error)) if self.error > 0 else math.nan


def mean_and_standard_error(values: object) -> tuple[float, float]:
    """Mean and its standard error (standard deviation with n - 1, over sqrt n); the error is NaN for one value.

    values (n,), one per run. A value that is not finite (a metric that is not defined there) makes both NaN.
    UserError for other shapes or none.
    """
    values = _values(values, "values")
    if not values.size:
        raise UserError("values: shape (0,); (n,) with at least one value is allowed, one per run")
    if not np.isfinite(values).all():
        return math.nan, math.nan
    count = len(values)
    error = values.std(ddof=1) / math.sqrt(count) if count > 1 else math.nan
    return float(values.mean()), float(error)


def over_runs(differences: object, split: object = None) -> Estimate:
    """The mean of paired differences, as further runs on the same images would have it.

    differences (n,), split (n,): the split of the images that each run was made on, one for all unless given. Where all splits
    have the same number of runs, two or more, the spread is the one within splits, so that what their images differ in stays
    out of it; else that of all runs, which errs towards "undecided".
    There is no standard error below three values or two degrees of freedom, nor where all are equal: accuracies are whole
    counts of images, so a few differences are equal by chance, and an interval of width 0 would claim to be certain. A value
    that is not finite makes the mean NaN. UserError for other shapes.
    """
    values = _values(differences, "differences")
    groups = _groups(values, split)
    count, mean = len(values), float(values.mean()) if len(values) else math.nan
    within = len(groups) > 1 and len({len(group) for group in groups}) == 1 and len(groups[0]) > 1
    freedom = count - (len(groups) if within else 1)
    if not np.isfinite(values).all() or freedom < FEWEST - 1:
        return Estimate(mean if np.isfinite(values).all() else math.nan, math.nan, max(freedom, 0), count)
    largest = np.abs(values).max() or 1.0  # so that no square underflows
    centred = np.concatenate([group - group.mean() for group in groups] if within else [values - mean]) / largest
    if np.ptp(centred) <= EQUAL:
        return Estimate(mean, math.nan, freedom, count)
    return Estimate(mean, largest * math.sqrt((centred**2).sum() / freedom / count), freedom, count)


def over_images(differences: object, split: object) -> Estimate:
    """The mean of paired differences, as further images like these would have it: from the means of splits.

    differences (n,), one per run; split (n,): the split of the images that each run was made on; test images of two splits are
    disjoint. There is no standard error below three splits. Training sets overlap, so splits are a little more alike than
    independent ones; docs/verdicts.md has the coverage that results, by simulation (Nadeau & Bengio's correction of 2003 is for
    test sets that overlap as well, and covers 98 % or more here). UserError for other shapes.
    """
    return over_runs([group.mean() for group in _groups(_values(differences, "differences"), split)])


def detectable(estimate: Estimate, level: float = LEVEL / 2) -> float:
    """The distance of the true mean from its bound that a one-sided test at `level` finds with a probability of 80 %.

    For the spread and the number of pairs of `estimate`; NaN without a standard error.
    """
    return float(estimate.error * _needed_t(estimate.freedom, level)) if estimate.error > 0 else math.nan


def runs_needed(
    estimate: Estimate, distance: float, level: float = LEVEL / 2, *, splits: int = 1, other: float = math.inf
) -> float:
    """How many runs in all would find a true mean at this distance from its bound with a probability of 80 %.

    other: its distance from a second bound, on its other side, that has to be found too (equivalence), at least `distance`.
    A multiple of `splits`, at least three. Infinite where it takes more than MOST, NaN without a standard error or a distance.
    """
    if not estimate.error > 0 or math.isnan(distance):
        return math.nan
    if distance == 0:
        return math.inf
    spread = estimate.error * math.sqrt(estimate.count) / abs(distance)
    fewest = ((ndtri(1 - level) + ndtri(POWER)) * spread) ** 2  # if the spread were known
    if fewest > MOST:
        return math.inf
    runs = splits * max(math.floor(fewest / splits), math.ceil(FEWEST / splits))

    def enough(runs: int) -> bool:
        freedom = runs - (splits if runs > splits else 1)
        if freedom < FEWEST - 1:
            return False
        if math.isinf(other):
            return math.sqrt(runs) >= spread * _needed_t(freedom, level)
        critical, near = stdtrit(freedom, 1 - level), math.sqrt(runs) / spread
        missed = nctdtr(freedom, [near, near * other / abs(distance)], critical)  # NaN where it is nothing, far from a bound
        return np.nan_to_num(missed).sum() <= 1 - POWER

    while not enough(runs):
        runs += splits
    return float(runs)


def _needed_t(freedom: int, level: float) -> float:
    """The noncentrality at which Student's t exceeds its critical value with a probability of 80 %."""
    return nctdtrinc(freedom, 1 - POWER, stdtrit(freedom, 1 - level))


def _values(values: object, name: str) -> np.ndarray:
    array = as_floats(values, name)
    if array.ndim != 1:
        raise UserError(f"{name}: shape {array.shape}; (n,) is allowed, one per run")
    return array


def _groups(values: np.ndarray, split: object) -> list[np.ndarray]:
    """The values of each split."""
    splits = np.zeros(len(values)) if split is None else np.asarray(split)
    if splits.shape != values.shape:
        raise UserError(f"split: shape {splits.shape}; {values.shape} is allowed, one per run")
    return [values[splits == each] for each in np.unique(splits)]


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
