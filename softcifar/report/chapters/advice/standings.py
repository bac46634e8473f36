"""Which sources a budget and an aim leave: those that no other one beats, by paired tests of all pairs."""

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.metrics import Estimate
from softcifar.metrics.statistics import FEWEST
from softcifar.report.chapters.advice.aims import Aim, aims
from softcifar.report.chapters.advice.sources import Budget, of_study
from softcifar.report.core import judged
from softcifar.report.core.columns import Field, between, plain
from softcifar.report.core.comparisons import by_run
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import SIDED, Estimator

BEATEN = "beaten"  # for further images like these
BEATEN_HERE = "beaten on these images"  # of a study that asks about no others
ONLY_HERE = "beaten on these images alone"  # for further images, which the study asks about, it is not decided
OPEN = "not beaten"


@dataclass(frozen=True)
class Standing:
    """How one source stands among those that a budget allows, in one aim.

    budget, aim: their keys; allows, wanted: they in words; metric: the column's title; mean: over runs, in the unit of the
    metric as it is printed, as is `behind`, how much worse than the source with the best mean, with its 95 % interval (NaN for
    that source itself, and where there is no test); n: pairs; standing: BEATEN, BEATEN_HERE, ONLY_HERE or OPEN; by: who beats
    it.
    """

    budget: str
    allows: str
    aim: str
    wanted: str
    metric: str
    student: str
    mean: float
    behind: float
    low: float
    high: float
    n: int
    digits: int
    standing: str
    by: str

    @property
    def left(self) -> bool:
        """Is it among the sources that are not beaten, for further images where the study asks about them?"""
        return self.standing in (OPEN, ONLY_HERE)


def standings(study: Study) -> list[Standing]:
    """Of every budget, aim and source that has the number, the best mean first; no row where a test has too few runs, or where
    there is nothing to choose."""
    return study.once(_standings)


def _standings(study: Study) -> list[Standing]:
    found, allowed = of_study(study)
    listed: list[Standing] = []
    if len(found) < 2 or study.most_runs < FEWEST:
        return listed
    for aim in aims(study):
        values, higher = aim.column.scale * by_run(study.numbers, aim.column), bool(aim.column.higher)
        widest = [name for name in allowed[-1].students if name in values and values[name].notna().any()]
        these = Pairs.of(values[widest], study.design.these, higher=higher)
        beyond = Pairs.of(values[widest], study.design.beyond, higher=higher) if study.design.tells_beyond else None
        for budget in allowed:
            names = [name for name in these.means.index if name in budget.students]
            listed += _cell(names, aim, budget, these, beyond)
    order = [budget.key for budget in allowed]
    return sorted(listed, key=lambda row: order.index(row.budget))


@dataclass(frozen=True)
class Pairs:
    """All pairs of some students in one number. means: the best first; behind: (a, b), a before b in means -> how much worse b
    is than a, over pairs of runs."""

    means: pd.Series
    behind: Mapping[tuple[str, str], Estimate]

    @classmethod
    def of(cls, values: pd.DataFrame, estimate: Estimator, *, higher: bool) -> "Pairs":
        """values: a row per run, a column per student; higher: is more better?"""
        means = values.mean().sort_values(ascending=not higher, kind="stable")
        worse = {(a, b): (values[a] - values[b]) * (1 if higher else -1) for a, b in itertools.combinations(means.index, 2)}
        return cls(means, {pair: estimate(each) for pair, each in worse.items()})

    def among(self, names: Collection[str]) -> dict[tuple[str, str], Estimate]:
        return {pair: each for pair, each in self.behind.items() if set(pair) <= set(names)}

    def beaten(self, names: Collection[str]) -> dict[str, list[str]]:
        """{who of them is beaten: by whom, the best mean first}.

        The better of each pair beats the other where the test of the pair decides after Holm's correction over all pairs, on
        each side: the best was found by the same runs, so that the pairs with it alone would not do.
        """
        pairs = self.among(names)
        above = np.array([each.p_above() for each in pairs.values()])
        found: dict[str, list[str]] = {}
        for (a, b), first, second in zip(pairs, metrics.holm(above), metrics.holm(1 - above), strict=True):
            if first < SIDED:
                found.setdefault(b, []).append(a)
            elif second < SIDED:  # over the runs that both have, unlike the order of means
                found.setdefault(a, []).append(b)
        return found


def _cell(names: Sequence[str], aim: Aim, budget: Budget, these: Pairs, beyond: Pairs | None) -> list[Standing]:
    """names: the best mean first; none where no pair has a test."""
    asked = beyond or these
    if len(names) > 1 and all(math.isnan(each.p_above()) for each in asked.among(names).values()):
        return []
    here, decided = these.beaten(names), asked.beaten(names)
    rows = []
    for name in names:
        behind = None if name == names[0] else asked.behind[names[0], name]
        low, high = behind.interval() if behind else (math.nan, math.nan)
        lost = BEATEN if beyond else BEATEN_HERE
        standing = lost if name in decided else ONLY_HERE if name in here else OPEN
        rows.append(
            Standing(
                budget=budget.key,
                allows=budget.words,
                aim=aim.key,
                wanted=aim.words,
                metric=aim.column.title,
                student=name,
                mean=float(these.means[name]),
                behind=behind.mean if behind else math.nan,
                low=low,
                high=high,
                n=behind.count if behind else 0,
                digits=aim.column.digits,
                standing=standing,
                by=" ".join(decided.get(name, here.get(name, []))),
            )
        )
    return rows


def cells(rows: Iterable[Standing]) -> dict[tuple[str, str], list[Standing]]:
    """{(budget, aim in words): its rows}, in their order."""
    found: dict[tuple[str, str], list[Standing]] = {}
    for row in rows:
        found.setdefault((row.budget, row.wanted), []).append(row)
    return found


def table(study: Study) -> Table:
    """A row per budget, aim and source."""
    fields = [
        Field("allows", "With"),
        Field("wanted", "Aim"),
        Field("metric", "Measured by"),
        Field("student", "Source"),
        Field("mean", "Mean", "over runs", text=lambda record: plain(record["mean"], record["digits"])),
        Field("behind", "Behind the best", "how much worse than the best mean, mean over pairs of runs",
              text=lambda record: "the best mean" if pd.isna(record["behind"]) else size(record["behind"])),
        Field("low", "95 % interval", "of that; below 0: better than the best mean",
              text=lambda record: between(record["low"], record["high"], size)),
        Field("n", "n", "pairs of runs, or splits", text=lambda record: str(record["n"] or "–")),
        Field("standing", "Standing", text=lambda record: f"{record['standing']}, by {record['by'].replace(' ', ', ')}"
              if record["by"] else record["standing"]),
    ]  # fmt: skip
    note = (
        "Behind the best: the mean difference from the source with the best mean that the budget allows, run by run. The best "
        "was found with the same runs, so that others are a little less far behind it than they look. "
        f"{judged.scope(study.design)}"
    )
    records = [asdict(row) for row in standings(study)]
    return build("advice_sources", "Every source, for every budget and aim", note, fields, records, folded=True)


def size(value: float) -> str:
    """Two digits that count, without a sign for what is above 0: .021, 1.3, 12."""
    digits = 3 if abs(value) < 0.1 else 2 if abs(value) < 1 else 1
    return plain(value, digits)
