"""A published claim held against runs: effect, interval and a verdict that follows from them by rule.

The verdict of a claim "a is better than b" (margin 0):
    supported      the 95 % interval of the mean paired difference lies wholly on the claimed side of 0
    contradicted   it lies wholly on the other side
    undecided      it holds 0, or there are too few pairs, or no spread, for an interval
A claim "a is not worse than b by more than a margin" puts the margin in the place of 0 (non-inferiority).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from softcifar.errors import UserError
from softcifar.metrics.statistics import FEWEST

LEVEL = 0.05
Verdict = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Finding:
    """One row of the claims table: what was compared, what came out, what follows."""

    claim: str  # its number: "B1"
    statement: str  # one sentence
    compared: str  # what with what, in words
    metric: str  # with its unit where it has one: "accuracy, points"
    higher: bool | None  # is more better? None: the row is about several metrics
    effect: float  # mean paired difference, in the unit of the metric
    low: float  # 95 % interval; NaN where there is none
    high: float
    n: int  # pairs
    unit: str  # what a pair is: "runs", "data sets"
    verdict: Verdict
    reason: str  # how the verdict follows, in words


def difference(
    claim: str,
    statement: str,
    compared: str,
    metric: str,
    a: object,
    b: object,
    *,
    higher: bool,
    margin: float = 0,
    unit: str = "runs",
) -> Finding:
    """The claim that `a` is better than `b`, or, with a margin, that it is not worse by more than `margin`.

    a, b: (n,) in the unit of `metric`, paired by place; pairs in which either is not finite are left out. higher: is more
    better? margin >= 0, in the same unit. The effect is the mean of a - b, whatever `higher` says; its interval is
    Student's t on the differences. Fewer than three pairs, or differences that are all equal (no spread to judge by):
    undecided. UserError for other shapes or a negative margin.
    """
    differences = _differences(a, b)
    if not margin >= 0:
        raise UserError(f"margin: found {margin}; allowed: 0 or more")
    low, high = t_interval(differences)
    verdict, reason = _verdict(differences, low, high, higher, margin, unit)
    effect = float(differences.mean()) if len(differences) else math.nan
    return Finding(claim, statement, compared, metric, higher, effect, low, high, len(differences), unit, verdict, reason)


def best(
    claim: str,
    statement: str,
    name: str,
    metric: str,
    a: object,
    rivals: Mapping[str, object],
    *,
    higher: bool,
    unit: str = "runs",
) -> Finding:
    """The claim that `a`, called `name`, is better than every one of at least one rival, as one row.

    a and each of the rivals {name: values}: (n,), paired by place, as in `difference`. Supported where the 95 % interval
    against each single rival is on the claimed side (to be better than all, all tests have to succeed, so no correction
    is due: Berger 1982); contradicted where some rival is better, its interval at .05 over the number of rivals
    (Bonferroni). The row shows the difference from the rival with the best mean.
    """
    if not rivals:
        raise UserError(f"{claim}: no rivals; allowed: at least one")
    rows = {rival: difference(claim, statement, "", metric, a, b, higher=higher, unit=unit) for rival, b in rivals.items()}
    level = LEVEL / len(rivals)
    losses = [
        rival
        for rival, b in rivals.items()
        if rows[rival].verdict == "contradicted"
        and _side(*t_interval(_differences(a, b), level=level), higher=higher, margin=0) == "contradicted"
    ]
    known = {rival: row for rival, row in rows.items() if not math.isnan(row.effect)} or rows
    nearest = (min if higher else max)(known, key=lambda rival: known[rival].effect)
    shown = replace(rows[nearest], compared=f"{name}, against the best of {', '.join(rivals)}: {nearest}")
    unsure = [rival for rival, row in rows.items() if row.verdict != "supported"]
    if losses:
        reason = f"{' and '.join(losses)} better, corrected for {len(rivals)} rivals"
        return replace(shown, verdict="contradicted", reason=reason)
    if not unsure:
        return replace(shown, reason=f"better than each of {len(rivals)} rivals") if len(rivals) > 1 else shown
    if len(rivals) == 1 or math.isnan(shown.low):
        return replace(shown, verdict="undecided")
    return replace(shown, verdict="undecided", reason=f"not better than {', '.join(unsure)} beyond doubt")


def nowhere_best(
    claim: str,
    statement: str,
    compared: str,
    measures: Mapping[tuple[str, bool], Mapping[str, np.ndarray]],
    *,
    unit: str = "runs",
) -> Finding:
    """The claim that no name is best in every measure, as one row without an effect.

    measures: {(title, is more better?): {name: (n,) paired by place}}, the same names in each. Supported where every name is
    worse than some other in some measure, its interval at .05 over the number of comparisons that it takes part in
    (Bonferroni); contradicted where one name is better than each other in all measures; else undecided.
    """
    names = list(next(iter(measures.values())))
    level = LEVEL / (len(measures) * max(len(names) - 1, 1))

    def side(ours: str, theirs: str, measure: tuple[str, bool], level: float) -> Verdict:
        values = measures[measure]
        return _side(*t_interval(_differences(values[ours], values[theirs]), level=level), higher=measure[1], margin=0)

    def against(name: str, level: float) -> list[Verdict]:
        return [side(name, other, measure, level) for measure in measures for other in names if other != name]

    unbeaten = [name for name in names if "contradicted" not in against(name, level)]
    winner = [name for name in unbeaten if len(names) > 1 and set(against(name, LEVEL)) == {"supported"}]
    verdict, reason = "undecided", f"never worse beyond doubt: {', '.join(unbeaten)}"
    if winner:
        verdict, reason = "contradicted", f"{winner[0]} is best in all of them"
    elif not unbeaten:
        verdict, reason = "supported", "each is worse than another one in some measure, corrected for all comparisons"
    first = next(iter(measures.values()))
    count = min(len(values) for values in first.values())
    if count < FEWEST:
        reason = f"{count} paired {unit}; an interval takes {FEWEST}"
    title = ", ".join(title for title, _ in measures)
    return Finding(claim, statement, compared, title, None, math.nan, math.nan, math.nan, count, unit, verdict, reason)


def t_interval(differences: object, *, level: float = LEVEL) -> tuple[float, float]:
    """Student's t interval, at confidence 1 - level, of the mean of (n,) differences.

    NaN, NaN below three of them, and where all are equal: accuracies are whole counts of images, so a few differences
    are equal by chance, and a width of 0 would claim to be certain.
    """
    differences = np.asarray(differences, dtype=np.float64)
    count = len(differences)
    if count < FEWEST or np.ptp(differences) <= 1e-12 * np.abs(differences).max():
        return math.nan, math.nan
    half = stdtrit(count - 1, 1 - level / 2) * differences.std(ddof=1) / math.sqrt(count)
    return float(differences.mean() - half), float(differences.mean() + half)


def _verdict(differences: np.ndarray, low: float, high: float, higher: bool, margin: float, unit: str) -> tuple[Verdict, str]:
    if len(differences) < FEWEST:
        return "undecided", f"{len(differences)} paired {unit}; an interval takes {FEWEST}"
    if math.isnan(low):
        return "undecided", f"all {len(differences)} differences are equal: no spread to judge by"
    side = _side(low, high, higher=higher, margin=margin)
    bound = f"{-margin if higher else margin:g}".replace("-", "−")  # a true minus sign
    where = "holds" if side == "undecided" else "above" if (side == "supported") == higher else "below"
    return side, f"interval {where} {bound}"


def _side(low: float, high: float, *, higher: bool, margin: float) -> Verdict:
    """Where the interval of a - b lies, seen from the bound that the claim sets."""
    if not higher:
        low, high = -high, -low
    if low > -margin:
        return "supported"
    return "contradicted" if high < -margin else "undecided"


def _differences(a: object, b: object) -> np.ndarray:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise UserError(f"claims: shapes {a.shape} and {b.shape} found; allowed: two rows of one length, paired by place")
    both = np.isfinite(a) & np.isfinite(b)
    return a[both] - b[both]
