"""What a budget buys: scores of the reference where validation may choose among 1, 2, ... networks, beside other methods."""

from itertools import pairwise

import numpy as np

from softcifar import metrics
from softcifar.report.chapters.simulations.columns import COLUMNS, values
from softcifar.report.chapters.simulations.results import Simulated
from softcifar.report.core.columns import Column
from softcifar.report.core.drawing import ACCENT, DARK, FAINT, GREY, Drawing, Grid, legend, ruled
from softcifar.report.core.study import Study

WIDTH, HEIGHT, NAMES, GAP = 2.7, 2.5, 1.55, 0.55  # inches; NAMES: room for the methods' names right of a panel
SHOWN = {"accuracy": "test accuracy, %", "nll": "test NLL, nats"}
CURVE = {"color": DARK, "linewidth": 1.7, "marker": "o", "markersize": 3.5}
OTHER = {"color": ACCENT, "marker": "D", "markersize": 4, "linestyle": "none"}


def draw(study: Study) -> Drawing | None:
    """None where the reference trains no networks, or has a grid (its networks are not alike then)."""
    simulation, reference = study.results.first, study.reference
    if reference not in simulation.trained or simulation.grid(reference)[0] or len(simulation.grid(reference)) < 2:
        return None
    count = len(simulation.grid(reference))
    grid = Grid([WIDTH] * len(SHOWN), [HEIGHT], right=NAMES, gap_x=NAMES + GAP)
    curves = {key: by_budget(simulation, reference, COLUMNS[key]) for key in SHOWN}
    for place, (key, ylabel) in enumerate(SHOWN.items()):
        ax, column = grid.axes(0, place), COLUMNS[key]
        means, errors = column.scale * curves[key]
        ax.fill_between(range(1, count + 1), means - errors, means + errors, color=FAINT, linewidth=0)
        ax.plot(range(1, count + 1), means, **CURVE)
        others = (column.scale * values(study, simulation, key).mean()).drop(reference)
        margin = 0.06 * (max(*means, *others) - min(*means, *others))
        low, high = min(*means, *others) - margin, max(*means, *others) + margin
        ax.set(xlim=(0.4, count + 1.2), ylim=(low, high))
        heights = _spread(list(others), low, high, 0.14 / HEIGHT * (high - low))
        for (name, value), height in zip(others.items(), heights, strict=True):
            ax.plot(count + 0.6, value, **OTHER)
            ax.annotate(
                name, (count + 0.6, value), (count + 2.2, height), fontsize=7.5, va="center", annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
            )  # fmt: skip
        ax.set_title(column.name)
        ax.set_ylabel(ylabel, fontsize=8.5)
        ax.set_xlabel("networks to choose from", fontsize=8.5)
        ruled(ax, "y")
    legend(grid.figure, {f"{reference}, ± standard error": CURVE, f"other methods, of {count}": OTHER})
    first, last = curves["accuracy"][0][[0, -1]]
    best = values(study, simulation, "accuracy").mean()
    return Drawing(
        "budgets",
        "What a budget buys",
        f"A method with a grid trains many networks and keeps one. {reference} may do the same with different initial weights: "
        "the curve shows what it reaches as validation chooses among more of them, the diamonds the other methods, all with "
        f"the full budget, in {simulation.name}.",
        f"Choosing among {count} networks instead of training one moves {reference} from {100 * first:.1f} to "
        f"{100 * last:.1f} % accuracy; the best method with the same budget, {best.idxmax()}, has {100 * best.max():.1f} %.",
        f"Two panels, accuracy and NLL of {reference} against the number of networks to choose from, with the other methods "
        "marked at the right.",
        grid.figure,
    )


def by_budget(simulation: Simulated, method: str, column: Column) -> np.ndarray:
    """Mean and standard error (2, C) of a test score where validation chooses among the first 1 ... C networks."""
    criterion = simulation.options["choose_by"]
    validation = simulation.column(method, f"validation_{criterion}")
    test = simulation.column(method, f"test_{column.key}")
    pick = np.argmax if criterion == "accuracy" else np.argmin
    by_count = []
    for budget in range(1, test.shape[1] + 1):
        chosen = pick(validation[:, :budget], axis=1)
        by_count.append(metrics.mean_and_standard_error(test[np.arange(len(test)), chosen]))
    return np.array(by_count).T


def _spread(values: list[float], low: float, high: float, least: float) -> list[float]:
    """Heights for labels near `values`, at least `least` apart, between low and high."""
    order = np.argsort(values)
    heights = np.array(values, dtype=float)
    heights[order[0]] = max(heights[order[0]], low)
    for before, after in pairwise(order):
        heights[after] = max(heights[after], heights[before] + least)
    heights[order[-1]] = min(heights[order[-1]], high)
    for after, before in pairwise(order[::-1]):
        heights[before] = min(heights[before], heights[after] - least)
    return list(heights)
