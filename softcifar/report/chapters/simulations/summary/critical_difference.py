"""Critical-difference diagrams (Demsar 2006): average ranks over data sets, bars over methods that are not separated."""

import math

import numpy as np
from matplotlib.axes import Axes

from softcifar.metrics import RankComparison
from softcifar.report.chapters.simulations.columns import RANKED, rank
from softcifar.report.core.columns import p_text
from softcifar.report.core.drawing import ACCENT, DARK, GREY, INK, Drawing, Grid
from softcifar.report.core.study import Study

WIDTH, ROW, EDGE = 5.2, 0.155, 0.15  # inches
NAME = 0.066  # inches per character of a name
HEAD = 0.62  # inches above the first name: title, critical difference, axis


def draw(study: Study) -> Drawing | None:
    simulations = [each for each in study.results.simulations.values() if len(each.methods) > 1]
    if not simulations:
        return None
    ranked = [[rank(study, simulation, column) for simulation in simulations] for column in RANKED]
    names = [list(simulation.methods) for simulation in simulations]
    bars = max(len(groups(each)) for row in ranked for each in row)
    height = HEAD + ROW * (bars * 0.6 + -(-max(map(len, names)) // 2) + 0.8)
    edges = dict.fromkeys(("left", "right", "top", "bottom"), EDGE)
    grid = Grid([WIDTH] * len(simulations), [height] * len(RANKED), gap_x=0.4, gap_y=0.3, **edges)
    for row, column in enumerate(RANKED):
        for place, simulation in enumerate(simulations):
            ax = grid.axes(row, place)
            ax.set(xlim=(0, WIDTH), ylim=(height, 0))
            ax.set_axis_off()
            title = f"{column.name}{f', {simulation.name}' if len(simulations) > 1 else ''}"
            _diagram(ax, title, names[place], ranked[row][place], bars)
    findings = [
        _finding(f"{column.name}, {simulation.name}", names[place], ranked[row][place])
        for place, simulation in enumerate(simulations)
        for row, column in enumerate(RANKED[:2])
    ]
    return Drawing(
        "critical_difference",
        "Ranks over the data sets",
        "Every method is ranked on every data set, 1 is the best; a diagram shows the average ranks, the better the further "
        "left. A bar joins methods that differ by less than the critical difference (CD; Nemenyi's test, 5 %): the data sets "
        "do not separate them. p: Friedman's test that all are alike.",
        " ".join(findings),
        f"{len(RANKED) * len(simulations)} critical-difference diagrams: {', '.join(column.title for column in RANKED)}.",
        grid.figure,
    )


def groups(ranked: RankComparison) -> list[tuple[int, int]]:
    """Longest runs of methods within a critical difference, as (first, last) places in the order of average rank."""
    average = np.sort(ranked.average_ranks)
    last = [int(np.searchsorted(average, start + ranked.critical_difference)) - 1 for start in average]
    runs = [(first, end) for first, end in enumerate(last) if end > first]
    return [(first, end) for first, end in runs if not any(other < first and end <= stop for other, stop in runs)]


def _finding(title: str, names: list[str], ranked: RankComparison) -> str:
    order = np.argsort(ranked.average_ranks, kind="stable")
    average = ranked.average_ranks[order]
    near = [names[number] for number in order[1:] if ranked.average_ranks[number] - average[0] < ranked.critical_difference]
    apart = f"not separated from {len(near)} of {len(names) - 1} others" if near else "separated from all others"
    return f"{title}: {names[order[0]]} has the best average rank ({average[0]:.1f}), {apart}."


def _diagram(ax: Axes, title: str, names: list[str], ranked: RankComparison, bars: int) -> None:
    """In inches, the origin at the top left."""
    count = len(names)
    margin = 0.3 + NAME * max(map(len, names))
    order = np.argsort(ranked.average_ranks, kind="stable")
    average = ranked.average_ranks[order]
    first, last = math.floor(average[0]), math.ceil(average[-1])
    at = lambda value: margin + (value - first) / max(last - first, 1) * (WIDTH - 2 * margin)  # noqa: E731
    ax.text(0, 0.02, title, fontsize=9, fontweight="bold", va="top")
    ax.text(WIDTH, 0.02, f"CD {ranked.critical_difference:.2f}, p {p_text(ranked.p_value)}", fontsize=8, va="top", ha="right")
    axis = HEAD - 0.12
    ax.plot([at(first), at(last)], [axis, axis], color=INK, linewidth=0.8)
    for value in range(first, last + 1):
        ax.plot([at(value)] * 2, [axis, axis - 0.05], color=INK, linewidth=0.8)
        ax.text(at(value), axis - 0.07, str(value), fontsize=7.5, ha="center", va="bottom")
    below = axis + 0.06
    for number, (best, worst) in enumerate(groups(ranked)):
        y = below + ROW * 0.6 * (number + 0.4)
        ends = [at(average[best]) - 0.03, at(average[worst]) + 0.03]
        ax.plot(ends, [y, y], color=ACCENT, linewidth=2.6, solid_capstyle="butt")
    start = below + ROW * (0.6 * bars + 0.7)
    half = -(-count // 2)
    for place, number in enumerate(order):
        on_left = place < half
        y = start + ROW * (place if on_left else count - 1 - place)
        edge = margin - 0.12 if on_left else WIDTH - margin + 0.12
        ax.plot([at(average[place])] * 2 + [edge], [axis, y, y], color=GREY, linewidth=0.8, zorder=0)
        ax.plot(at(average[place]), axis, marker="o", markersize=3.2, color=DARK, zorder=4)
        text = f"{names[number]} {average[place]:.1f}" if on_left else f"{average[place]:.1f} {names[number]}"
        ax.text(edge + (-0.04 if on_left else 0.04), y, text, fontsize=8, va="center", ha="right" if on_left else "left")
