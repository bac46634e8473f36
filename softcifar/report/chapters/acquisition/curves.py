"""Accuracy against labels bought, a panel per pool; and where the pool is dirty, what share of the labels went to ambiguity."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from softcifar.metrics import mean_and_standard_error
from softcifar.metrics.statistics import over_runs
from softcifar.report.chapters.acquisition import tables
from softcifar.report.chapters.acquisition.columns import COLUMNS, of, pools, reference
from softcifar.report.chapters.acquisition.results import TITLES, Acquired
from softcifar.report.core.columns import between, effect, within
from softcifar.report.core.comparisons import by_run, marks
from softcifar.report.core.drawing import ACCENT, DARK, GREY, LEFT, Drawing, Grid, ruled
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import ON_THESE

WIDTH, HEIGHT, GAP = 2.9, 2.5, 0.62  # inches
POOLS = {"clean": "clean pool", "dirty": "dirty pool"}
STYLES = {
    "random": {"color": GREY, "linestyle": (0, (4, 2)), "marker": ""},
    "softmax_entropy": {"color": ACCENT, "linestyle": "-", "marker": "o"},
    "predictive_entropy": {"color": "#8c4a0a", "linestyle": (0, (1, 1)), "marker": "D"},
    "mutual_information": {"color": "#428546", "linestyle": "-", "marker": "^"},
    "density": {"color": DARK, "linestyle": "-", "marker": "s"},
    "bald": {"color": "#6fa8a0", "linestyle": (0, (3, 1, 1, 1)), "marker": "v"},
    "panel": {"color": "#783c82", "linestyle": "--", "marker": "x"},
}
OTHER = {"color": "#4d4d4d", "linestyle": ":", "marker": "+"}
LINE = {"linewidth": 1.4, "markersize": 3.4, "markeredgewidth": 0.9}


def draw(study: Study) -> Drawing | None:
    """None where the study has no acquisitions."""
    listed = pools(study)
    if not listed:
        return None
    dirty = "dirty" in listed
    there = list(dict.fromkeys(each.strategy for members in listed.values() for each in members))
    count = len(listed) + dirty
    grid = Grid([WIDTH] * count, [HEIGHT], gap_x=GAP, top=0.4 + 0.2 * _rows(count, len(there)))
    for place, (pool, members) in enumerate(listed.items()):
        ax = grid.axes(0, place)
        for each in members:
            _curve(ax, each.shown, each.strategy)
        _named(ax, POOLS[pool], "accuracy, %")
    if dirty:
        ax = grid.axes(0, len(listed))
        for each in listed["dirty"]:
            _curve(ax, each.curve.pivot(index="run", columns="labels", values="ambiguous_share"), each.strategy)
        _named(ax, "dirty pool: ambiguous images", "% of the labelled images")
    _legend(grid, there)
    runs = study.results.params["seeds"]["runs"]
    return Drawing(
        "acquisition",
        "Accuracy against labels",
        "Each curve is a strategy, mean over runs, with the 95 % interval of the mean as a band; the networks train from "
        "scratch on the labels bought so far. Accuracy is that of the whole prediction (an ensemble's where there is one) on "
        "test images that are not ambiguous."
        + (" Right: how many of the labelled images are ambiguous ones." if dirty else ""),
        " ".join([*(_found(study, pool, members) for pool, members in listed.items()), *_spent(study, listed)]),
        f"{len(listed)} panels of accuracy against labels, one per pool, with a curve per strategy over {runs} runs"
        + (", and one of the share of ambiguous images among those labelled." if dirty else "."),
        grid.figure,
    )


def _curve(ax: Axes, values: pd.DataFrame, strategy: str) -> None:
    """values: a row per run, a column per number of labels."""
    style = STYLES.get(strategy, OTHER) | LINE
    mean = 100 * values.mean()
    intervals = np.array([over_runs(100 * values[labels].to_numpy()).interval() for labels in values.columns])
    known = np.isfinite(intervals).all(axis=1)
    ax.plot(values.columns, mean, markevery=max(1, len(mean) // 8), **style)
    if known.any():
        ends = within(*intervals[known].T, most=100)
        ax.fill_between(values.columns[known], *ends, color=style["color"], alpha=0.12, linewidth=0)


def _named(ax: Axes, title: str, ylabel: str) -> None:
    ax.set_title(title)
    ax.set_xlabel("labels", fontsize=8.5, labelpad=2)
    ax.set_ylabel(ylabel, fontsize=8.5, labelpad=3)
    ruled(ax)


def _legend(grid: Grid, strategies: list[str]) -> None:
    """Above the panels, in as many rows as their width asks for."""
    styles = {TITLES.get(name, name): STYLES.get(name, OTHER) | LINE for name in strategies}
    grid.figure.legend(
        [Line2D([], [], **style) for style in styles.values()],
        list(styles),
        loc="upper left",
        ncols=-(-len(styles) // _rows(len(grid.widths), len(styles))),
        bbox_to_anchor=(LEFT / grid.width, 1 - 0.06 / grid.height),
        borderaxespad=0,
        borderpad=0,
        handlelength=2.6,
        columnspacing=1.6,
        fontsize=8.5,
    )


def _rows(panels: int, entries: int) -> int:
    return -(-entries // (7 if panels > 2 else 4 if panels > 1 else 2))


def _found(study: Study, pool: str, members: list[Acquired]) -> str:
    numbers = of(study)
    own = numbers[(numbers["set"] == pool) & (numbers["metric"] == "accuracy")]
    means = {each.name: own[own["student"] == each.name]["value"] for each in members}
    best = max(means, key=lambda name: means[name].mean())
    worst = min(means, key=lambda name: means[name].mean())
    mean, error = (100 * value for value in mean_and_standard_error(means[best]))
    budget = members[0].options["budget"]
    spread = f" ± {error:.1f}" if np.isfinite(error) else ""
    rest = f", the lowest {worst} ({100 * means[worst].mean():.1f} %)" if worst != best else ""
    first = f"{POOLS[pool].capitalize()}: at {budget} labels the highest mean accuracy is that of {best}"
    return f"{first} ({mean:.1f}{spread} %){rest}."


def _spent(study: Study, listed: dict[str, list[Acquired]]) -> Iterator[str]:
    """Which strategy buys the fewest ambiguous images, whether fewer than the reference, and than each other strategy."""
    members = listed.get("dirty", [])
    if len(members) < 2:
        return
    column = COLUMNS["bought_ambiguous"]
    values = column.scale * by_run(of(study), column)[[each.name for each in members]]
    means = values.mean().sort_values()
    least, most = means.index[0], means.index[-1]
    said = f"{least} spends the fewest labels on ambiguous images ({means[least]:.1f} %), {most} the most ({means[most]:.1f} %)"
    base = reference(study, members)
    rows = tables.spent(study, members, base) if base else []
    for row in (row for row in rows if row.compared == least):
        others = study.design.two_questions and not row.verdict.endswith(ON_THESE)  # what the verdict is about
        low, high = (row.images_low, row.images_high) if others else (row.low, row.high)
        which = " for other images" * others
        interval = f"; 95 % interval{which} {between(low, high, effect)}" if np.isfinite(low) else ""
        said += f". The share of the labels bought that {least} spends on them less that of {base.name} is "
        said += f"{effect(row.effect)} points{interval}: {tables.fewer(row)}"
    if marks(values, study.design, higher=False).get(least) == "best":
        said += ". Paired tests separate it from every other strategy on these images"
    yield f"Dirty pool: {said}."
