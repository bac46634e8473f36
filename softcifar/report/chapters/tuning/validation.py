"""What validation said of every tuned value, and which was chosen: a row per search, a panel per validation score."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from softcifar.report.chapters.tuning.searches import Search, at_edge, searches
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, DARK, GREY, Drawing, Grid, heat_map, legend, no_zero, ruled, shorten
from softcifar.report.core.kinds import CRITERION_TITLES
from softcifar.report.core.study import Study
from softcifar.report.core.words import words

WIDTH, CURVE, MAP = 2.45, 1.05, 1.75  # inches: panels, lower ones for curves
LOG_RANGE = 8  # highest over lowest value tried, from which on the axis is logarithmic
TITLES = {"nll": "NLL", "accuracy": "accuracy, %", "ece": "ECE"}
SHAPES = {"nll": "o", "accuracy": "s", "ece": "^"}
LINE = {"color": DARK, "linewidth": 1.5, "marker": ".", "markersize": 5}
RUN = {"color": GREY, "marker": "_", "markersize": 6, "linestyle": "none"}


def draw(study: Study) -> Drawing | None:
    tried = searches(study.results)
    if not tried:
        return None
    criteria = {name: student.about["choose_by"] for name, student in study.results.students.items()}
    heights = [MAP if len(search.names) == 2 else CURVE for search in tried]
    grid = Grid([WIDTH] * len(TITLES), heights, left=0.6, right=0.25, top=0.82, bottom=0.5, gap_x=0.6, gap_y=0.72)
    for row, search in enumerate(tried):
        for place, (score, title) in enumerate(TITLES.items()):
            ax = grid.axes(row, place)
            _panel(ax, criteria, search, score)
            if place == 0:
                ax.set_title(shorten(", ".join(search.chosen), 60))
            if row == 0:
                grid.text(grid.lefts[place] + WIDTH, 0.62, f"validation {title}", ha="right", va="bottom")
    used = {criteria[name] for search in tried for name in search.chosen}
    marks = {f"chosen by {CRITERION_TITLES[score]}": _mark(score, score) for score in SHAPES if score in used}
    several = any(search.scores["nll"].shape[1] > 1 for search in tried)
    lines = {"mean": LINE, "single runs": RUN} if several else {"value tried": LINE}
    legend(grid.figure, lines | marks, left=0.6)
    places = study.tables["tuning"].frame.set_index("student")["place"]
    edges = [name for name, place in places.items() if at_edge(place)]
    values, each = max((len(search.values), search.scores["nll"].shape[1]) for search in tried)
    what = "values or initialisations" if any(search.initialisations for search in tried) else "values"
    finding = f"Every student tried {values} {what} with {each} {'run' if each == 1 else 'runs'} each. " + (
        f"The choice lies at the edge of what was tried for {', '.join(edges)}."
        if edges
        else "No choice lies at the edge of what was tried."
    )
    return Drawing(
        "tuning",
        "What validation said",
        "A row per set of networks, a panel per validation score, a dot per candidate. The mark is filled in the panel of "
        "the score that chose, hollow in the others. Each panel has its own scale."
        + (" Where two options were tuned, a map shows every pair, darker for better." if MAP in heights else ""),
        finding,
        f"{len(tried)} rows of three panels: validation NLL, accuracy and ECE against the tuned value, the chosen value "
        "marked.",
        grid.figure,
    )


def _mark(criterion: str, score: str) -> dict:
    fill = ACCENT if criterion == score else "white"
    style = {"marker": SHAPES[criterion], "color": ACCENT, "markerfacecolor": fill, "markeredgewidth": 1.4}
    return style | {"markersize": 7, "linestyle": "none", "zorder": 5}


def _panel(ax: Axes, criteria: dict[str, str], search: Search, score: str) -> None:
    values = search.scores[score] * (100 if score == "accuracy" else 1)
    places = _map(ax, search, values.mean(axis=1), score) if len(search.names) == 2 else _curve(ax, search, values)
    for name, choices in search.chosen.items():
        for choice in dict.fromkeys(choices):
            ax.plot(*places[choice], **_mark(criteria[name], score))
    ax.tick_params(length=2.5)


def _curve(ax: Axes, search: Search, values: np.ndarray) -> list[tuple[float, float]]:
    """Mean and single runs against the value, or against its number where more than two options or no numbers are tuned."""
    tried = [one[0] for one in search.values]
    numeric = len(search.names) == 1 and all(isinstance(value, int | float) for value in tried)
    x = np.array(tried, dtype=float) if numeric else np.arange(1.0, len(values) + 1)
    order = np.argsort(x)
    means = values.mean(axis=1)
    for run in values.T:
        if len(values.T) > 1:
            ax.plot(x, run, **RUN)
    ax.plot(x[order], means[order], **LINE | ({"linestyle": "none"} if search.initialisations else {}))
    if numeric and x.min() > 0 and x.max() >= LOG_RANGE * x.min():
        ax.set_xscale("log")
    if numeric:
        ax.xaxis.set_major_locator(FixedLocator(_apart(np.sort(x), log=ax.get_xscale() == "log")))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}".removeprefix("0") or "0")
    ax.set_xlabel(search.names[0] if numeric else f"candidate ({', '.join(search.names)})", fontsize=8, labelpad=1)
    ax.yaxis.set_major_locator(MaxNLocator(3))
    ax.yaxis.set_major_formatter(no_zero)
    ax.margins(0.06, 0.18)
    ruled(ax)
    return list(zip(x, means, strict=True))


def _apart(values: np.ndarray, *, log: bool) -> list[float]:
    """Those of the sorted values whose labels have room beside each other; the first and last always."""
    places = np.log(values) if log else values
    room = 0.09 * (places[-1] - places[0])
    kept = [0]
    for number in range(1, len(values) - 1):
        if places[number] - places[kept[-1]] >= room and places[-1] - places[number] >= room:
            kept.append(number)
    return [float(values[number]) for number in (*kept, len(values) - 1)] if len(values) > 1 else [float(values[0])]


def _map(ax: Axes, search: Search, means: np.ndarray, score: str) -> list[tuple[float, float]]:
    """Heat map over two tuned options, with the number in every cell."""
    columns, rows = ([*dict.fromkeys(one[place] for one in search.values)] for place in (0, 1))
    grid = np.full((len(rows), len(columns)), np.nan)
    places = [(columns.index(a), rows.index(b)) for a, b in search.values]
    for (column, row), value in zip(places, means, strict=True):
        grid[row, column] = value
    better_low = score != "accuracy"
    low, high = np.nanmin(grid), np.nanmax(grid)
    texts = {}
    for (column, row), value in zip(places, means, strict=True):
        share = (value - low) / (high - low) if high > low else 0.0
        dark = share < 0.45 if better_low else share > 0.55
        texts[row + 0.28, column] = plain(value, 1 if score == "accuracy" else 3), dark
    heat_map(ax, grid, texts, "Blues_r" if better_low else "Blues", origin="lower")
    ax.set_xticks(range(len(columns)), [words(value) for value in columns])
    ax.set_yticks(range(len(rows)), [words(value) for value in rows])
    ax.set_xlabel(search.names[0], fontsize=8, labelpad=1)
    ax.set_ylabel(search.names[1], fontsize=8, labelpad=1)
    return [(float(column), row - 0.15) for column, row in places]
