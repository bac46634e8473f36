"""Every student less the reference, per metric: means, runs and intervals on one scale per metric."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from softcifar.metrics.statistics import LEVEL
from softcifar.report.chapters.summary.columns import headline
from softcifar.report.core.columns import Column, plain
from softcifar.report.core.comparisons import against, by_run
from softcifar.report.core.drawing import DARK, GREY, Drawing, legend, named_rows, no_zero
from softcifar.report.core.study import Study

SURE = {"color": DARK, "marker": "o", "markersize": 5.5, "linewidth": 1.4}
UNSURE = SURE | {"markerfacecolor": "white"}
RUN = {"color": GREY, "marker": "|", "markersize": 7, "linestyle": "none"}


def draw(study: Study) -> Drawing | None:
    reference, columns = study.reference, headline(study.results)
    others = [name for name in study.students if name != reference]
    table = against(study.numbers, columns, reference, study.design).set_index(["column", "student"])
    if table.empty:
        return None
    grid, axes = named_rows(others, len(columns), width=2.0, row=0.2, gap=0.32, top=0.72, bottom=0.45)
    for column, ax in zip(columns, axes, strict=True):
        _panel(ax, study, column, table, others)
    entries = {
        f"mean and 95 % interval, Holm p < {plain(LEVEL)}": SURE,
        f"Holm p ≥ {plain(LEVEL)}, or no test": UNSURE,
        "single runs": RUN,
    }
    legend(grid.figure, entries, left=grid.lefts[0])
    sure = table[table["holm_p"] < LEVEL]
    names = sorted({student for _, student in sure.index}, key=others.index)
    pairs = f"{len(sure)} of {len(table)} differences from {reference}"
    return Drawing(
        "differences",
        f"What differs from {reference}",
        f"Right of the line: a larger value than {reference} for the same runs; the arrow under each panel tells which side is "
        "better. Filled dots are differences that a paired t test supports after correction for the number of students. "
        "Intervals are Student's t, for further runs on the same images; the ticks show the runs themselves.",
        f"After Holm's correction within each metric the runs support {pairs} (two-sided p < {plain(LEVEL)})"
        + (f" ({', '.join(names)})." if names else "."),
        f"{len(columns)} panels, one per metric, with a dot per student for its mean difference from {reference}, a line for "
        "the interval and a tick per run.",
        grid.figure,
    )


def _panel(ax: Axes, study: Study, column: Column, table, others: list[str]) -> None:
    values = by_run(study.numbers, column) * column.scale
    ax.axvline(0, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    for place, name in enumerate(others):
        if (column.key, name) not in table.index:
            continue
        compared = table.loc[(column.key, name)]
        runs = (values[name] - values[study.reference]).dropna()
        style = SURE if compared["holm_p"] < LEVEL else UNSURE
        interval = np.array([compared["low"], compared["high"]]) * column.scale
        ax.plot(runs, np.full(len(runs), place), **RUN, zorder=2)
        ax.plot(interval, [place, place], color=DARK, linewidth=1.4, zorder=3)
        ax.plot(compared["difference"] * column.scale, place, **style, zorder=4)
    ax.set_title(column.name)
    ax.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    ax.xaxis.set_major_formatter(no_zero)
    unit = ", points" if column.scale == 100 else ""
    ax.set_xlabel(f"better →{unit}" if column.higher else f"← better{unit}", fontsize=8, labelpad=2)
