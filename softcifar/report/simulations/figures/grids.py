"""Heat maps of methods with two tuned options (ILS1 over P1 and P2): test NLL of every pair, and how often it was chosen."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from softcifar.report.columns import plain
from softcifar.report.figures.style import ACCENT, BOTTOM, INK, LEFT, RIGHT, Drawing
from softcifar.report.simulations.beside import candidates
from softcifar.report.simulations.results import Simulated, SimulationResults

CELL_X, CELL_Y, GAP_X, GAP_Y, TOP = 0.62, 0.42, 0.75, 0.85, 0.4  # inches


def draw(results: SimulationResults) -> Drawing | None:
    found = {
        (method, name): simulation
        for method in results.first.trained
        for name, simulation in results.simulations.items()
        if method in simulation.trained and len(simulation.grid(method)[0]) == 2
    }
    if not found:
        return None
    methods = list(dict.fromkeys(method for method, _ in found))
    names = list(dict.fromkeys(name for _, name in found))
    shapes = {key: [len(values) for values in axes(simulation, key[0]).values()] for key, simulation in found.items()}
    width = CELL_X * max(columns for columns, _ in shapes.values())
    heights = [CELL_Y * max(rows for (name, _), (_, rows) in shapes.items() if name == method) for method in methods]
    full_width = LEFT + RIGHT + len(names) * width + (len(names) - 1) * GAP_X
    full_height = TOP + BOTTOM + sum(heights) + (len(methods) - 1) * GAP_Y
    figure = Figure(figsize=(full_width, full_height))
    values = {key: candidates(simulation, key[0], "test_nll").mean(axis=0) for key, simulation in found.items()}
    low, high = min(map(np.min, values.values())), np.quantile(np.concatenate(list(values.values())), 0.9)
    for (method, name), simulation in found.items():
        row, place = methods.index(method), names.index(name)
        columns, rows = shapes[method, name]
        top = full_height - TOP - sum(heights[:row]) - row * GAP_Y
        left = LEFT + place * (width + GAP_X)
        size = (CELL_X * columns / full_width, CELL_Y * rows / full_height)
        ax = figure.add_axes((left / full_width, (top - CELL_Y * rows) / full_height, *size))
        _map(ax, simulation, method, values[method, name], low, high)
        ax.set_title(f"{method}, {name}" if len(names) > 1 else method)
    best = min(values, key=lambda key: values[key].min())
    chosen = found[best].grid(best[0])[int(values[best].argmin())]
    pair = ", ".join(f"{option} {value:g}" for option, value in chosen.items())
    finding = f"The lowest mean test NLL of these, {plain(values[best].min())}, has {best[0]} in {best[1]} with {pair}."
    return Drawing(
        "grids",
        "Two options at a time",
        "Mean test NLL over the data sets of every pair of options, the darker the better; below it, on how many data sets "
        "in a "
        "hundred validation chose that pair. The frame marks the pair that it chose most often.",
        finding,
        f"{len(found)} heat maps of test NLL over two options: {', '.join(methods)}. {finding}",
        figure,
    )


def axes(simulation: Simulated, method: str) -> dict[str, list[float]]:
    """The two tuned options of a method and their values, in order."""
    grid = simulation.grid(method)
    return {name: sorted({one[name] for one in grid}) for name in grid[0]}


def _map(ax: Axes, simulation: Simulated, method: str, values: np.ndarray, low: float, high: float) -> None:
    (x_name, xs), (y_name, ys) = axes(simulation, method).items()
    choices = simulation.scores.loc[simulation.scores["method"] == method, "choice"]
    share = choices.value_counts(normalize=True)
    shown = np.full((len(ys), len(xs)), np.nan)
    most = int(share.idxmax())
    for number, one in enumerate(simulation.grid(method)):
        x, y = xs.index(one[x_name]), ys.index(one[y_name])
        shown[y, x] = values[number]
        dark = values[number] < low + 0.4 * (high - low)
        text = f"{plain(values[number])}\n{100 * share.get(number, 0):.0f} %"
        ax.text(x, y, text, ha="center", va="center", fontsize=7.5, color="white" if dark else INK, linespacing=1.25)
        if number == most:
            ax.add_patch(_frame(x, y))
    ax.imshow(shown, cmap="Blues_r", vmin=low, vmax=high + 0.25 * (high - low), aspect="auto")
    ax.set_xticks(range(len(xs)), [f"{value:g}" for value in xs])
    ax.set_yticks(range(len(ys)), [f"{value:g}" for value in ys])
    ax.set_xlabel(x_name, fontsize=8.5, labelpad=2)
    ax.set_ylabel(y_name, fontsize=8.5, labelpad=3)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def _frame(x: int, y: int):
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, fill=False, edgecolor=ACCENT, linewidth=2)
