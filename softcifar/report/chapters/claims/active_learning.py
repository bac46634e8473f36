"""The claim of Mukhoti et al. 2023 about active learning: D4."""

from collections.abc import Iterable, Iterator

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
DENSITY, RANDOM = "density", "random"
RIVALS = {  # pool -> claim, the strategies that density is said to beat there
    "dirty": ("D4", ("softmax_entropy", "predictive_entropy", "mutual_information")),
    "clean": ("D4, clean pool", ("softmax_entropy", "predictive_entropy")),
}
MEASURES = {"accuracy": "accuracy at the end, points", "area": "area under the curve, points"}
FIRST = {key: f"{title[:-8]} of the first network alone, points" for key, title in MEASURES.items()}
OWN = ("strategy", "members", "pool", "clean")  # options that strategies and pools differ in
REGULARISED = ("spectral_norm", "coeff", "mod", "residual")  # options of the network that density is published with
AT_ONCE = "at once"  # how the rows end that hold density against all others together, and the name of their family


def checks(study: Study) -> list[Check]:
    """Rows per pool, density and measure (accuracy at the end of the budget, area under the curve); [] without acquisitions.

    First the claim as a whole, density against all its rivals at once, in a dirty pool random buying, too; then each rival by
    itself. These are two families, corrected apart (docs/verdicts.md). Where a rival is an ensemble, both also of its first
    network alone: several networks predict better than one whatever they bought.
    """
    there = getattr(study.results, "acquisitions", {})
    if not there:
        return []
    table = numbers(acquired(study))
    rows: list[Check] = []
    for pool, (_, strategies) in RIVALS.items():
        for ours in (each for each in there.values() if (each.pool, each.strategy) == (pool, DENSITY)):
            others = [each for each in there.values() if each.pool == pool and _settings(each) == _settings(ours)]
            rivals = [each for each in others if each.strategy in strategies]
            random = [each for each in others if each.strategy == RANDOM and pool == "dirty"]  # the other claim names entropies
            rows += _at_once(table, ours, rivals, random)
            rows += [row for rival in rivals for row in _against(table, ours, rival)]
    return rows


def _settings(each: Acquired) -> dict:
    network = each.options["network"]
    plain = {key: value for key, value in network["options"].items() if key not in REGULARISED}
    others = {key: value for key, value in each.options.items() if key not in OWN}
    return others | {"clean": each.options["clean"], "network": {**network, "options": plain}}


def _at_once(table: pd.DataFrame, ours: Acquired, rivals: list[Acquired], random: list[Acquired]) -> Iterator[Check]:
    """Ours is better than every one of them; no rows where that is one rival's row."""
    others = [*random, *rivals]
    if not rivals or len(others) < 2:
        return
    names = ", ".join(each.name for each in others)
    for key, title in _measures(others):
        yield _check(table, ours, others, f"all of {names} {AT_ONCE}", key, title, AT_ONCE)


def _against(table: pd.DataFrame, ours: Acquired, rival: Acquired) -> Iterator[Check]:
    for key, title in _measures([rival]):
        yield _check(table, ours, [rival], f"{rival.name} ({rival.words})", key, title, "")


def _measures(others: list[Acquired]) -> Iterable[tuple[str, str]]:
    """(metric, title) of each measure."""
    alone = {f"single_{key}": title for key, title in FIRST.items()}
    return (MEASURES | (alone if any(each.options["members"] > 1 for each in others) else {})).items()


def _check(table: pd.DataFrame, ours: Acquired, others: list[Acquired], words: str, key: str, title: str, family: str) -> Check:
    claim, _ = RIVALS[ours.pool]
    plain = "" if ours.options["network"]["options"].get("spectral_norm") else ", no spectral normalisation"
    where = f"{ours.pool} pool, {ours.options['budget']} labels"
    compared = f"{where}: {ours.name} ({ours.words}{plain}) against {words}"
    values = 100 * by_run(table, Column(key, title, "", key, None))
    differences = {each.name: values[ours.name] - values[each.name] for each in others}
    students = (ours.name, *differences)
    return Check(claim, D4[claim], compared, title, True, differences, students=students, family=family)
