"""The claim of Mukhoti et al. 2023 about active learning: D4."""

from collections.abc import Iterator

import pandas as pd

from softcifar.report.chapters.acquisition.columns import COLUMNS, acquired
from softcifar.report.chapters.acquisition.results import Acquired, numbers
from softcifar.report.chapters.published.literature import MUKHOTI
from softcifar.report.core.comparisons import by_run
from softcifar.report.core.pairs import stated
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

D4 = stated(
    MUKHOTI,
    {
        "D4": "Feature density wins active learning where the pool has ambiguous images.",
        "D4, clean pool": "Where the pool is clean, feature density buys better than the entropy of a network or an ensemble.",
    },
)
DENSITY = "density"
RIVALS = {  # pool -> claim, the strategies that density is said to beat there
    "dirty": ("D4", ("softmax_entropy", "predictive_entropy", "mutual_information")),
    "clean": ("D4, clean pool", ("softmax_entropy", "predictive_entropy")),
}
MEASURES = {"accuracy": "accuracy at the end, points", "area": "area under the curve, points"}
OWN = ("strategy", "members", "pool", "clean")  # options that strategies and pools differ in


def checks(study: Study) -> list[Check]:
    """Two rows per pool, density and rival: accuracy at the end of the budget and the area under the curve; [] without."""
    there = getattr(study.results, "acquisitions", {})
    if not there:
        return []
    table = numbers(acquired(study))
    return [row for pool in RIVALS for ours, rival in _pairs(study, pool) for row in _rows(study, table, pool, ours, rival)]


def _pairs(study: Study, pool: str) -> Iterator[tuple[Acquired, Acquired]]:
    members = [each for each in acquired(study).values() if each.pool == pool]
    for ours in members:
        for rival in members if ours.strategy == DENSITY else ():
            if rival.strategy in RIVALS[pool][1] and _settings(ours) == _settings(rival):
                yield ours, rival


def _settings(each: Acquired) -> dict:
    return {key: value for key, value in each.options.items() if key not in OWN} | {"clean": each.options["clean"]}


def _rows(study: Study, table: pd.DataFrame, pool: str, ours: Acquired, rival: Acquired) -> Iterator[Check]:
    claim, _ = RIVALS[pool]
    budget = ours.options["budget"]
    for key, title in MEASURES.items():
        values = COLUMNS[key].scale * by_run(table, COLUMNS[key])
        differences = {rival.name: values[ours.name] - values[rival.name]}
        compared = f"{pool} pool, {budget} labels: {ours.name} ({ours.words}) against {rival.name} ({rival.words})"
        yield Check(claim, D4[claim], compared, title, True, differences, students=(ours.name, rival.name))
