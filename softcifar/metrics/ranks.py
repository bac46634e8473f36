"""Many methods on many data sets, by their ranks: Friedman's test and Nemenyi's critical difference (Demsar 2006)."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_floats


class RankComparison(NamedTuple):
    average_ranks: np.ndarray  # float64 (M,), 1 is the best
    p_value: float  # Friedman's test that no method differs from another
    critical_difference: float  # two methods whose average ranks differ by less are not separated


def ranks(values: object, *, higher: bool) -> np.ndarray:
    """Rank of every method on every data set, float64 (D, M); 1 is the best, ties share their mean rank.

    values (D, M): D data sets, M methods; higher: whether a higher value is better. UserError for other shapes, fewer than two
    methods, or values that are not finite.
    """
    values = as_floats(values, "values")
    if values.ndim != 2 or values.shape[1] < 2 or not len(values):
        raise UserError(f"values: shape {values.shape}; (data sets, methods) with at least 1 and 2 are allowed")
    if not np.isfinite(values).all():
        raise UserError("values: found a value that is not finite; ranks take a value of every method on every data set")
    key = -values if higher else values
    smaller = (key[:, :, None] > key[:, None, :]).sum(axis=2)
    equal = (key[:, :, None] == key[:, None, :]).sum(axis=2)  # itself among them
    return smaller + (equal + 1) / 2


def rank_comparison(values: object, *, higher: bool, level: float = 0.05) -> RankComparison:
    """Compare M methods over D data sets, values (D, M).

    Friedman's statistic is corrected for ties; its p comes from chi-squared with M - 1 degrees of freedom and is NaN where all
    methods tie everywhere. The critical difference is Nemenyi's, q * sqrt(M (M + 1) / 6 D), q from the studentized range with
    infinite degrees of freedom over sqrt 2: no pair of equal methods differs by more, with probability 1 - level.
    higher: whether a higher value is better. UserError for other shapes, fewer than two methods, or values that are not finite.
    """
    ranked = ranks(values, higher=higher)
    count, methods = ranked.shape
    average = ranked.mean(axis=0)
    spread = ((ranked - (methods + 1) / 2) ** 2).sum()
    statistic = count**2 * (methods - 1) * ((average - (methods + 1) / 2) ** 2).sum() / spread if spread else math.nan
    q = _studentized_range(level, methods) / math.sqrt(2)
    critical = q * math.sqrt(methods * (methods + 1) / (6 * count))
    return RankComparison(average, float(chdtrc(methods - 1, statistic)), critical)


def _studentized_range(level: float, methods: int) -> float:
    from scipy.stats import studentized_range  # takes a second to import, and most stages never rank

    return float(studentized_range.isf(level, methods, np.inf))
