"""The claim of Mukhoti et al. 2023 about active learning: D4."""

from collections.abc import Iterator

import pandas as pd

from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.chapters.acquisition.results import Acquired, numbers
from softcifar.report.chapters.published.literature import MUKHOTI
from softcifar.report.core.columns import Column
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
FIRST = {key: f"{title[:-8]} of the first network alone, points" for key, title in MEASURES.items()}
OWN = ("strategy", "members", "pool", "clean")  # options that strategies and pools differ in
REGULARISED = ("spectral_norm", "coeff", "mod", "residual")  # options of the network that density is published with


def checks(study: Study) -> list[Check]:
    """Rows per pool, density and rival: accuracy at the end of the budget and the area under the curve; [] without.

    Where the rival is an ensemble, also both of its first network alone, corrected apart: several networks predict better than
    one whatever they bought.
    """
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
    network = each.options["network"]
    plain = {key: value for key, value in network["options"].items() if key not in REGULARISED}
    others = {key: value for key, value in each.options.items() if key not in OWN}
    return others | {"clean": each.options["clean"], "network": {**network, "options": plain}}


def _rows(study: Study, table: pd.DataFrame, pool: str, ours: Acquired, rival: Acquired) -> Iterator[Check]:
    claim, _ = RIVALS[pool]
    budget = ours.options["budget"]
    plain = "" if ours.options["network"]["options"].get("spectral_norm") else ", no spectral normalisation"
    compared = f"{pool} pool, {budget} labels: {ours.name} ({ours.words}{plain}) against {rival.name} ({rival.words})"
    alone = {f"single_{key}": title for key, title in FIRST.items()} if rival.options["members"] > 1 else {}
    for key, title in (MEASURES | alone).items():
        values = 100 * by_run(table, Column(key, title, "", key, None))
        differences = {rival.name: values[ours.name] - values[rival.name]}
        family = "first network" if key in alone else ""
        yield Check(claim, D4[claim], compared, title, True, differences, students=(ours.name, rival.name), family=family)
