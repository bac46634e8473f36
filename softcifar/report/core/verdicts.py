"""Published claims held against runs: effect, interval and a verdict that follows from them by rule.

A row's evidence for its claim, or against it, is the one-sided p of a paired t test. The claim "a is better than b" has its
bound at 0, the claim "a is not worse than b by more than a margin" (non-inferiority) at the margin; that a test finds no
difference is never evidence for equality: that takes tests of its own. A row decides where Holm's correction over the rows of
its claim (in families, where it has several) leaves p < .0075:
    supported, contradicted              for further images like these (in simulations: further data sets)
    equivalent                           neither of the two, and the difference is shown to be less than what would matter in
                                         practice, on either side (two one-sided tests, Schuirmann 1987)
    the same "on these images"           for further runs on the images of this study, which is all that one split can tell
    undecided                            else; also where there are too few pairs, or no spread, for a test, or nothing that
                                         runs could show
docs/verdicts.md has the error rates of these rules, by simulation.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.errors import UserError
from softcifar.metrics import Estimate
from softcifar.metrics.statistics import EQUAL, FEWEST, LEVEL, MOST
from softcifar.report.core.columns import p_text
from softcifar.report.core.design import Design
from softcifar.report.core.words import counted

SIDED = LEVEL / 2
# How often any row of a metric is decided where nothing differs, at most: runs of a skewed spread, rivals twice as far, in
# docs/verdicts.md, "Comparisons of 6 equally good students" (.3 + 2.1 %). Of a normal spread it is LEVEL.
SKEWED = 0.024
EITHER = 0.4995  # the smaller one-sided p: what would be printed as .500 or more is no evidence for its side
ON_THESE = " on these images"
FIND, SHOW_SMALL = "find it", "show it small"  # what more runs would do
Estimator = Callable[[pd.Series], Estimate]
Evidence = tuple[float, float]  # one-sided p for the claim and against it; NaN where there is no test
# By metric, in its own unit (proportions, nats): a difference smaller than this, on either side, is nothing to act upon, by
# convention. Rows of other metrics are never "equivalent"; not ECE: binning draws the ECEs of two networks together.
PRACTICAL = {"accuracy": 0.01, "fgsm_accuracy": 0.02, "nll": 0.02, "auroc": 0.02}
SHARE = 0.1  # and not more than this share of what the rival gets wrong, or right


class Deciding(NamedTuple):
    """The single test that a row's smaller p comes from: the rival, its differences, the gain less its bound, and by how many
    its p was multiplied within the row."""

    rival: str
    differences: pd.Series
    gain: pd.Series
    tests: int


@dataclass(frozen=True)
class Check:
    """One row of the claims table: what is compared with what to check a claim.

    claim: its number, "B1"; statement: one sentence; compared: in words; metric: with its unit where it has one; higher: is
    more better?; against: by rival, the value of ours less the rival's, a Series by run (or data set), NaN where either has
    none; margin >= 0: by how much ours may be worse, in the unit of the metric, one number or one by run; students: whose runs
    these are; every: of several rivals, ours is claimed to be better than each of them, else than at least one; unit: what a
    pair is, if not a run; family: of the rows of a claim, those of one family are corrected together; untestable: why no runs
    could decide it, "" where they can; practical: differences smaller than this, in the unit of the metric, do not matter in
    practice (for a single rival and without a margin), 0 where nobody has said.
    """

    claim: str
    statement: str
    compared: str
    metric: str
    higher: bool
    against: Mapping[str, pd.Series]
    margin: float | pd.Series = 0.0
    students: tuple[str, ...] = ()
    every: bool = True
    unit: str = ""
    family: str = ""
    untestable: str = ""
    practical: float = 0.0

    def __post_init__(self) -> None:
        if not self.against:
            raise UserError(f"{self.claim}: no rivals; allowed: at least one")
        if np.any(np.less(self.margin, 0)):
            raise UserError(f"margin: found {np.min(self.margin)}; allowed: 0 or more")

    def gain(self, rival: str) -> pd.Series:
        """How far ours lies on the claimed side of the bound, by run."""
        differences = self.against[rival]
        return (differences if self.higher else -differences) + self.margin

    def evidence(self, estimate: Estimator) -> Evidence:
        """Where all of m tests have to succeed, the largest p counts (Berger 1982); where one has to, the least times m
        (Bonferroni). A rival without a test of its own cannot be beaten."""
        sides = self._sides(estimate)
        if self.untestable or np.isnan(sides).all():
            return math.nan, math.nan
        found = [math.nan, math.nan]
        for side in range(2):
            if self._all_succeed(side):
                found[side] = float(np.nan_to_num(sides[:, side], nan=1.0).max())
            else:
                found[side] = min(1.0, len(sides) * float(np.nanmin(sides[:, side])))
        return found[0], found[1]

    def equivalence(self, estimate: Estimator) -> float:
        """The p of "the difference is smaller than `practical`": the larger one of two one-sided tests; NaN without a test."""
        if not self.practical or self.untestable or len(self.against) > 1 or np.any(self.margin):
            return math.nan
        differences = self.gain(next(iter(self.against)))
        found = estimate(differences)
        if np.all(np.abs(differences) < EQUAL):  # one network under two names
            return math.nan
        return max(found.p_above(-self.practical), 1 - found.p_above(self.practical))

    def deciding(self, estimate: Estimator) -> Deciding:
        """On the side with the smaller p of the row."""
        sides, rivals = self._sides(estimate), list(self.against)
        evidence = self.evidence(estimate)
        side = int(evidence[1] < evidence[0])
        known = np.nan_to_num(sides[:, side], nan=1.0)
        number = int(known.argmax() if self._all_succeed(side) else known.argmin())
        tests = 1 if self._all_succeed(side) else len(rivals)
        return Deciding(rivals[number], self.against[rivals[number]], self.gain(rivals[number]), tests)

    def named(self, rival: str) -> str:
        """What is compared, with the rival that decides where there are several."""
        return f"{self.compared}: {rival}" if len(self.against) > 1 else self.compared

    def _all_succeed(self, side: int) -> bool:
        return self.every == (side == 0)

    def _sides(self, estimate: Estimator) -> np.ndarray:
        """One-sided p for the claim and against it, by rival: (m, 2)."""
        above = np.array([estimate(self.gain(rival)).p_above() for rival in self.against])
        return np.stack([above, 1 - above], axis=1)


@dataclass(frozen=True)
class NowhereBest:
    """The claim that no name is best in every measure, as one row without an effect.

    measures: {(title, is more better?): values by run, a column per name}, the same names in each.
    """

    claim: str
    statement: str
    compared: str
    measures: Mapping[tuple[str, bool], pd.DataFrame]
    students: tuple[str, ...] = ()
    higher: bool | None = None
    unit: str = ""
    family: str = ""
    untestable: str = ""
    practical: float = 0.0

    def equivalence(self, _: Estimator) -> float:
        """There is no difference that could be small."""
        return math.nan

    @property
    def metric(self) -> str:
        return ", ".join(title for title, _ in self.measures)

    def named(self, name: str) -> str:
        """What is compared, with the name that decides."""
        return f"{self.compared}; hardest to beat: {name}" if name else self.compared

    def deciding(self, estimate: Estimator) -> Deciding:
        """As many pairs as there are; no effect. Named is whose p is the row's, on the side of the smaller one."""
        nothing = next(iter(self.measures.values())).dropna().iloc[:, 0] * math.nan
        sides = self._sides(estimate)
        if sides is None:
            return Deciding("", nothing, nothing, 1)
        for_it, against_it = self.evidence(estimate)
        beaten, best = sides
        return Deciding(str(best.idxmin() if against_it < for_it else beaten.idxmax()), nothing, nothing, 1)

    def evidence(self, estimate: Estimator) -> Evidence:
        """For it: every name is worse than some other one in some measure, its smallest p times the number of comparisons it
        takes part in. Against it: one name is better than every other one in all measures, the least p over names times their
        number."""
        sides = self._sides(estimate)
        if sides is None:
            return math.nan, math.nan
        beaten, best = sides
        return float(beaten.max()), min(1.0, len(best) * float(best.min()))

    def _sides(self, estimate: Estimator) -> tuple[pd.Series, pd.Series] | None:
        """By name, the p of "is beaten somewhere" and of "is best everywhere"; None where there is no test."""
        names = list(next(iter(self.measures.values())))
        if len(names) < 2:
            return None
        beaten, best = [], []
        for ours in names:
            worse = []
            for (_, higher), values in self.measures.items():
                for theirs in names:
                    if theirs != ours:
                        above = estimate(values[ours] - values[theirs]).p_above()  # small where ours is larger
                        worse.append(1 - above if higher else above)
            worse = np.array(worse)
            if np.isnan(worse).all():
                return None
            beaten.append(min(1.0, len(worse) * float(np.nanmin(worse))))
            best.append(float(np.nan_to_num(1 - worse, nan=1.0).max()))
        return pd.Series(beaten, names), pd.Series(best, names)


@dataclass(frozen=True)
class Finding:
    """A row with what came out of it."""

    claim: str
    statement: str
    compared: str
    metric: str
    higher: bool | None  # is more better? None: the row is about several metrics
    effect: float  # mean paired difference, in the unit of the metric
    low: float  # 95 % interval for further runs on these images; NaN where there is none
    high: float
    images_low: float  # the same for further images like these
    images_high: float
    n: int  # pairs
    unit: str  # what a pair is
    verdict: str
    reason: str  # how the verdict follows, in words
    detectable: float  # the distance from the bound that a row with this n and spread decides with a probability of 80 %
    # How many pairs would decide, with that probability, the distance that was seen; MOST + 1: more than MOST; NaN: the row is
    # decided, or has no test.
    needed: float
    needed_to: str  # what so many would do: FIND or SHOW_SMALL; "" where `needed` is NaN
    students: tuple[str, ...]


def judge(rows: Iterable[Check | NowhereBest], design: Design) -> list[Finding]:
    """Every row with its verdict, in their order. Rows of one claim and family are corrected together, on each side."""
    rows = list(rows)
    these = decide(rows, design.these)
    beyond = decide(rows, design.beyond) if design.tells_beyond else None
    return [_finding(row, these[number], beyond and beyond[number], design) for number, row in enumerate(rows)]


@dataclass(frozen=True)
class Judged:
    """Evidence of a row before and after the correction over the `tested` rows of its family; the p of equivalence likewise."""

    single: Evidence
    corrected: Evidence
    tested: int
    equal: float = math.nan
    equal_corrected: float = math.nan
    equal_tested: int = 1  # rows of the family that could be equivalent

    @property
    def side(self) -> str | None:
        """Which way it decides, if it does."""
        for word, p in zip(("supported", "contradicted"), self.corrected, strict=True):
            if p < SIDED:
                return word
        return "equivalent" if self.small else None

    @property
    def small(self) -> bool:
        """Is the difference shown to be smaller than what would matter?"""
        return self.equal_corrected < SIDED


def decide(rows: list[Check | NowhereBest], estimate: Estimator) -> list[Judged]:
    """Every row's evidence before and after Holm's correction over the rows of its claim and family, on each side and for
    equivalence."""
    single = [row.evidence(estimate) for row in rows]
    both = np.array([(*evidence, row.equivalence(estimate)) for evidence, row in zip(single, rows, strict=True)]).reshape(-1, 3)
    corrected, tested = np.empty_like(both), np.ones((len(rows), 3), dtype=int)
    families: dict[tuple[str, str], list[int]] = {}
    for number, row in enumerate(rows):
        families.setdefault((row.claim, row.family), []).append(number)
    for members in families.values():
        for side in range(3):
            corrected[members, side] = metrics.holm(both[members, side])
        tested[members] = np.maximum((~np.isnan(both[members])).sum(axis=0), 1)
    return [
        Judged(evidence, (float(after[0]), float(after[1])), int(count[0]), float(before[2]), float(after[2]), int(count[2]))
        for evidence, before, after, count in zip(single, both, corrected, tested, strict=True)
    ]


def _finding(row: Check | NowhereBest, these: Judged, beyond: Judged | None, design: Design) -> Finding:
    """What more runs would decide is about these images: more runs do not bring further images.

    A verdict for further images goes before one for these alone."""
    verdict, judged = "undecided", beyond or these
    if beyond and beyond.side:
        verdict = beyond.side
    elif these.side:
        verdict, judged = these.side + ON_THESE, these
    test = row.deciding(design.beyond if judged is beyond else design.these)  # whose p the reason has
    estimated = design.these(test.differences)
    here = row.deciding(design.these)
    gain, level = design.these(here.gain), SIDED / these.tested / here.tests
    low, high = estimated.interval()
    images_low, images_high = design.beyond(test.differences).interval() if beyond else (math.nan, math.nan)
    count = len(test.differences) if isinstance(row, NowhereBest) else estimated.count
    testable = verdict == "undecided" and not row.untestable
    needed, needed_to = _needed(row, these, gain, level, design) if testable else (math.nan, "")
    return Finding(
        claim=row.claim,
        statement=row.statement,
        compared=row.named(test.rival),
        metric=row.metric,
        higher=row.higher,
        effect=0.0 if estimated.rounds_to_0(estimated.mean) else estimated.mean,
        low=low,
        high=high,
        images_low=images_low,
        images_high=images_high,
        n=count,
        unit=row.unit or design.unit,
        verdict=verdict,
        reason=row.untestable or _reason(row, judged, count, row.unit or design.unit) + _here(beyond, these),
        detectable=math.nan if row.untestable else metrics.detectable(gain, level),
        needed=needed if math.isnan(needed) else min(needed, MOST + 1.0),
        needed_to="" if math.isnan(needed) else needed_to,
        students=row.students,
    )


def _needed(row: Check | NowhereBest, these: Judged, gain: Estimate, level: float, design: Design) -> tuple[float, str]:
    """The runs that would decide the effect that was seen, and how: FIND it, or SHOW_SMALL, smaller than what matters."""
    splits, size = design.splits or 1, abs(gain.mean)
    found = metrics.runs_needed(gain, 0.0 if gain.rounds_to_0(gain.mean) else size, level, splits=splits)
    left = row.practical - size
    if math.isnan(these.equal) or left < 0 or gain.rounds_to_0(left):
        return found, FIND
    level = SIDED / these.equal_tested
    small = metrics.runs_needed(gain, left, level, splits=splits, other=row.practical + size)
    return (small, SHOW_SMALL) if small < found else (found, FIND)


def _reason(row: Check | NowhereBest, judged: Judged, count: int, unit: str) -> str:
    if count < FEWEST:
        return f"{counted(count, f'paired {unit}')}; a test takes {FEWEST}"
    if math.isnan(judged.single[0]):
        return f"no spread over {count} paired {unit} to judge by"
    small = f"mean smaller than {row.practical:.2g} either way"
    of_small = _corrected(judged.equal, judged.equal_corrected, judged.equal_tested)
    if judged.side == "equivalent":
        return f"{small}, {of_small}"
    side = int(judged.single[1] < judged.single[0])
    if not judged.single[side] < EITHER:
        return "no evidence either way"
    p = _corrected(judged.single[side], judged.corrected[side], judged.tested, (" for it", " against it")[side])
    return f"{p}; {small}, {of_small}" if judged.small else p


def _here(beyond: Judged | None, these: Judged) -> str:
    """The direction that is decided on these images, where for further ones the difference is too small to matter."""
    decided = beyond and beyond.side == "equivalent" and these.side in ("supported", "contradicted")
    return f"; {these.side}{ON_THESE}" if decided else ""


def _corrected(single: float, corrected: float, tested: int, side: str = "") -> str:
    """A p before and after the correction, in words."""
    after = f", {p_text(corrected)} corrected for {tested} rows" if tested > 1 else ""
    return f"p {p_text(single)}{side}{after}"
