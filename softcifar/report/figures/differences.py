"""Every student less the reference, per metric: means, runs and intervals on one scale per metric."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from softcifar.report.columns import Column, headline
from softcifar.report.comparisons import LEVEL, against, by_run
from softcifar.report.context import Context
from softcifar.report.figures.style import DARK, GREY, Drawing, legend, shorten

WIDTH, ROW, GAP_X, GAP_Y, TOP, BOTTOM = 2.0, 0.2, 0.32, 0.72, 0.72, 0.45  # inches
SURE = {"color": DARK, "marker": "o", "markersize": 5.5, "linewidth": 1.4}
UNSURE = SURE | {"markerfacecolor": "white"}
RUN = {"color": GREY, "marker": "|", "markersize": 7, "linestyle": "none"}


def draw(context: Context) -> Drawing | None:
    results = context.results
    others = [name for name in results.students if name != results.reference]
    columns = headline(results)
    table = against(context.numbers, columns, results.reference).set_index(["column", "student"])
    if table.empty:
        return None
    left = 0.25 + 0.068 * max(len(shorten(name)) for name in others)
    across_all = 3 if len(columns) % 4 == 1 else 4  # panels to a row: no lonely last one
    rows = math.ceil(len(columns) / across_all)
    height = ROW * (len(others) + 0.6)
    full_width = left + 0.15 + across_all * WIDTH + (across_all - 1) * GAP_X
    full_height = TOP + BOTTOM + rows * height + (rows - 1) * GAP_Y
    figure = Figure(figsize=(full_width, full_height))
    for place, column in enumerate(columns):
        row, across = divmod(place, across_all)
        x = left + across * (WIDTH + GAP_X)
        y = full_height - TOP - (row + 1) * height - row * GAP_Y
        ax = figure.add_axes((x / full_width, y / full_height, WIDTH / full_width, height / full_height))
        _panel(ax, context, column, table, others)
        ax.set_yticks(range(len(others)), [shorten(name) for name in others] if across == 0 else [])
    legend(
        figure,
        {"mean and 95 % interval, Holm p < .05": SURE, "Holm p ≥ .05, or no test": UNSURE, "single runs": RUN},
        left=left,
    )
    sure = table[table["holm_p"] < LEVEL]
    names = sorted({student for _, student in sure.index}, key=others.index)
    pairs = f"{len(sure)} of {len(table)} differences from {results.reference}"
    finding = f"After Holm's correction within each metric the runs support {pairs} at the 5 % level" + (
        f" ({', '.join(names)})." if names else "."
    )
    return Drawing(
        "differences",
        f"What differs from {results.reference}",
        f"Right of the line: a larger value than {results.reference} for the same runs; the arrow under each panel "
        "tells which side is better. Filled dots are differences that a paired t test supports after correction for "
        "the number of students. Intervals from few runs are too narrow; the ticks show the runs themselves.",
        finding,
        f"{len(columns)} panels, one per metric, with a dot per student for its mean difference from "
        f"{results.reference}, a line for the interval and a tick per run. {finding}",
        figure,
    )


def _panel(ax, context: Context, column: Column, table, others: list[str]) -> None:
    values = by_run(context.numbers, column) * column.scale
    reference = context.results.reference
    ax.axvline(0, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    for place, name in enumerate(others):
        if (column.key, name) not in table.index:
            continue
        found = table.loc[(column.key, name)]
        runs = (values[name] - values[reference]).dropna()
        style = SURE if found["holm_p"] < LEVEL else UNSURE
        ax.plot(runs, np.full(len(runs), place), **RUN, zorder=2)
        ax.plot(np.array([found["low"], found["high"]]) * column.scale, [place, place], color=DARK, linewidth=1.4, zorder=3)
        ax.plot(found["difference"] * column.scale, place, **style, zorder=4)
    ax.set_ylim(len(others) - 0.4, -0.6)
    ax.set_title(column.title.removesuffix(" %"))
    ax.grid(True, axis="x", color="#eeeeee", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(length=2.5)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−").replace("0.", ".", 1))
    unit = ", points" if column.scale == 100 else ""
    ax.set_xlabel(f"better →{unit}" if column.higher else f"← better{unit}", fontsize=8, labelpad=2)
