"""Critical-difference diagrams (Demsar 2006): average ranks over data sets, bars over methods that are not separated."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from softcifar.metrics import RankComparison
from softcifar.report.figures.style import ACCENT, DARK, GREY, INK, Drawing
from softcifar.report.simulations.results import SimulationResults
from softcifar.report.simulations.tables import RANKED, rank
from softcifar.report.tables import p_text

WIDTH, ROW, GAP_X, GAP_Y, EDGE = 5.2, 0.155, 0.4, 0.3, 0.15  # inches
NAME = 0.066  # inches per character of a name
HEAD = 0.62  # inches above the first name: title, critical difference, axis


def draw(results: SimulationResults) -> Drawing | None:
    simulations = [each for each in results.simulations.values() if len(each.methods) > 1]
    if not simulations:
        return None
    found = [[rank(simulation, column) for simulation in simulations] for column in RANKED]
    names = [list(simulation.methods) for simulation in simulations]
    bars = max(len(groups(each)) for row in found for each in row)
    rows = -(-max(map(len, names)) // 2)
    height = HEAD + ROW * (bars * 0.6 + rows + 0.8)
    full_width = 2 * EDGE + len(simulations) * WIDTH + (len(simulations) - 1) * GAP_X
    full_height = 2 * EDGE + len(RANKED) * height + (len(RANKED) - 1) * GAP_Y
    figure = Figure(figsize=(full_width, full_height))
    for row, column in enumerate(RANKED):
        for place, simulation in enumerate(simulations):
            left = EDGE + place * (WIDTH + GAP_X)
            bottom = full_height - EDGE - (row + 1) * height - row * GAP_Y
            box = (left / full_width, bottom / full_height, WIDTH / full_width, height / full_height)
            ax = figure.add_axes(box)
            ax.set_xlim(0, WIDTH)
            ax.set_ylim(height, 0)
            ax.set_axis_off()
            title = f"{column.title.removesuffix(' %')}{f', {simulation.name}' if len(simulations) > 1 else ''}"
            _diagram(ax, title, names[place], found[row][place], bars)
    finding = " ".join(_finding(RANKED[row].title.removesuffix(" %"), simulation.name, names[place], found[row][place])
                       for place, simulation in enumerate(simulations) for row in range(2))  # fmt: skip
    return Drawing(
        "critical_difference",
        "Ranks over the data sets",
        "Every method is ranked on every data set, 1 is the best; a diagram shows the average ranks, the better the further "
        "left. A bar joins methods that differ by less than the critical difference (CD; Nemenyi's test, 5 %): the data sets "
        "do "
        "not separate them. p: Friedman's test that all are alike.",
        finding,
        f"{len(RANKED) * len(simulations)} critical-difference diagrams: {', '.join(column.title for column in RANKED)}. "
        f"{finding}",
        figure,
    )


def groups(found: RankComparison) -> list[tuple[int, int]]:
    """Longest runs of methods within a critical difference, as (first, last) places in the order of average rank."""
    average = np.sort(found.average_ranks)
    last = [int(np.searchsorted(average, start + found.critical_difference)) - 1 for start in average]
    runs = [(first, end) for first, end in enumerate(last) if end > first]
    return [(first, end) for first, end in runs if not any(other < first and end <= stop for other, stop in runs)]


def _finding(title: str, simulation: str, names: list[str], found: RankComparison) -> str:
    order = np.argsort(found.average_ranks, kind="stable")
    average = found.average_ranks[order]
    near = [names[number] for number in order[1:] if found.average_ranks[number] - average[0] < found.critical_difference]
    apart = f"not separated from {len(near)} of {len(names) - 1} others" if near else "separated from all others"
    return f"{title}, {simulation}: {names[order[0]]} has the best average rank ({average[0]:.1f}), {apart}."


def _diagram(ax: Axes, title: str, names: list[str], found: RankComparison, bars: int) -> None:
    """In inches, the origin at the top left."""
    count = len(names)
    margin = 0.3 + NAME * max(map(len, names))
    order = np.argsort(found.average_ranks, kind="stable")
    average = found.average_ranks[order]
    first, last = math.floor(average[0]), math.ceil(average[-1])
    at = lambda value: margin + (value - first) / max(last - first, 1) * (WIDTH - 2 * margin)  # noqa: E731
    ax.text(0, 0.02, title, fontsize=9, fontweight="bold", va="top")
    ax.text(WIDTH, 0.02, f"CD {found.critical_difference:.2f}, p {p_text(found.p_value)}", fontsize=8, va="top", ha="right")
    axis = HEAD - 0.12
    ax.plot([at(first), at(last)], [axis, axis], color=INK, linewidth=0.8)
    for value in range(first, last + 1):
        ax.plot([at(value)] * 2, [axis, axis - 0.05], color=INK, linewidth=0.8)
        ax.text(at(value), axis - 0.07, str(value), fontsize=7.5, ha="center", va="bottom")
    below = axis + 0.06
    for number, (best, worst) in enumerate(groups(found)):
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
