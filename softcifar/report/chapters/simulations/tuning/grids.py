"""Heat maps of methods with two tuned options (ILS1 over P1 and P2): test NLL of every pair, and how often it was chosen."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from softcifar.report.chapters.simulations.results import Simulated
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, Drawing, Grid, bare, heat_map
from softcifar.report.core.study import Study

CELL_X, CELL_Y = 0.62, 0.42  # inches


def draw(study: Study) -> Drawing | None:
    results = study.results
    tuned = {
        (method, name): simulation
        for method in results.first.trained
        for name, simulation in results.simulations.items()
        if method in simulation.trained and len(simulation.grid(method)[0]) == 2
    }
    if not tuned:
        return None
    methods, names = ([*dict.fromkeys(key[place] for key in tuned)] for place in (0, 1))
    shapes = {key: [len(values) for values in axes(simulation, key[0]).values()] for key, simulation in tuned.items()}
    width = CELL_X * max(columns for columns, _ in shapes.values())
    heights = [CELL_Y * max(rows for (name, _), (_, rows) in shapes.items() if name == method) for method in methods]
    grid = Grid([width] * len(names), heights, top=0.4, gap_x=0.75, gap_y=0.85)
    values = {key: simulation.column(key[0], "test_nll").mean(axis=0) for key, simulation in tuned.items()}
    low, high = min(map(np.min, values.values())), np.quantile(np.concatenate(list(values.values())), 0.9)
    for (method, name), simulation in tuned.items():
        columns, rows = shapes[method, name]
        ax = grid.axes(methods.index(method), names.index(name), size=(CELL_X * columns, CELL_Y * rows))
        _map(ax, simulation, method, values[method, name], low, high)
        ax.set_title(f"{method}, {name}" if len(names) > 1 else method)
    best = min(values, key=lambda key: values[key].min())
    chosen = tuned[best].grid(best[0])[int(values[best].argmin())]
    pair = ", ".join(f"{option} {value:g}" for option, value in chosen.items())
    return Drawing(
        "grids",
        "Two options at a time",
        "Mean test NLL over the data sets of every pair of options, the darker the better; below it, on how many data sets in "
        "a hundred validation chose that pair. The frame marks the pair that it chose most often.",
        f"The lowest mean test NLL of these, {plain(values[best].min())}, has {best[0]} in {best[1]} with {pair}.",
        f"{len(tuned)} heat maps of test NLL over two options: {', '.join(methods)}.",
        grid.figure,
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
    texts = {}
    for number, one in enumerate(simulation.grid(method)):
        x, y = xs.index(one[x_name]), ys.index(one[y_name])
        shown[y, x] = values[number]
        dark = values[number] < low + 0.4 * (high - low)
        texts[y, x] = f"{plain(values[number])}\n{100 * share.get(number, 0):.0f} %", dark
        if number == int(share.idxmax()):
            ax.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, fill=False, edgecolor=ACCENT, linewidth=2))
    heat_map(ax, shown, texts, "Blues_r", size=7.5, vmin=low, vmax=high + 0.25 * (high - low))
    ax.set_xticks(range(len(xs)), [f"{value:g}" for value in xs])
    ax.set_yticks(range(len(ys)), [f"{value:g}" for value in ys])
    ax.set_xlabel(x_name, fontsize=8.5, labelpad=2)
    ax.set_ylabel(y_name, fontsize=8.5, labelpad=3)
    bare(ax)
