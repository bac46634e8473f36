"""What a budget buys: scores of the reference where validation may choose among 1, 2, ... networks, beside other methods."""

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from softcifar import metrics
from softcifar.report.columns import Column
from softcifar.report.figures.style import ACCENT, BOTTOM, DARK, FAINT, GREY, LEFT, TOP, Drawing, legend
from softcifar.report.simulations.beside import candidates
from softcifar.report.simulations.results import Simulated, SimulationResults
from softcifar.report.simulations.tables import COLUMNS

WIDTH, HEIGHT, NAMES, GAP = 2.7, 2.5, 1.55, 0.55  # inches; NAMES: room for the methods' names right of a panel
SHOWN = [column for column in COLUMNS if column.key in ("accuracy", "nll")]
CURVE = {"color": DARK, "linewidth": 1.7, "marker": "o", "markersize": 3.5}
OTHER = {"color": ACCENT, "marker": "D", "markersize": 4, "linestyle": "none"}


def draw(results: SimulationResults) -> Drawing | None:
    """None where the reference trains no networks, or has a grid (its networks are not alike then)."""
    simulation, reference = results.first, results.reference
    if reference not in simulation.trained or simulation.grid(reference)[0] or len(simulation.grid(reference)) < 2:
        return None
    full_width = LEFT + len(SHOWN) * (WIDTH + NAMES) + (len(SHOWN) - 1) * GAP
    full_height = TOP + BOTTOM + HEIGHT
    figure = Figure(figsize=(full_width, full_height))
    curves = {column.key: by_budget(simulation, reference, column) for column in SHOWN}
    for place, column in enumerate(SHOWN):
        x = LEFT + place * (WIDTH + NAMES + GAP)
        ax = figure.add_axes((x / full_width, BOTTOM / full_height, WIDTH / full_width, HEIGHT / full_height))
        means, errors = column.scale * curves[column.key]
        budget = np.arange(1, len(means) + 1)
        ax.fill_between(budget, means - errors, means + errors, color=FAINT, linewidth=0)
        ax.plot(budget, means, **CURVE)
        others = {name: column.scale * simulation.values(column.key)[name].mean() for name in simulation.methods}
        others = {name: value for name, value in others.items() if name != reference}
        ax.set_xlim(0.4, len(means) + 1.2)
        values = [*means, *others.values()]
        margin = 0.06 * (max(values) - min(values))
        low, high = min(values) - margin, max(values) + margin
        ax.set_ylim(low, high)
        heights = _spread(list(others.values()), low, high, 0.14 / HEIGHT * (high - low))
        for (name, value), height in zip(others.items(), heights, strict=True):
            ax.plot(len(means) + 0.6, value, **OTHER)
            ax.annotate(
                name, (len(means) + 0.6, value), (len(means) + 2.2, height), fontsize=7.5, va="center", annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
            )  # fmt: skip
        ax.set_title(f"{column.title.removesuffix(' %')}")
        ax.set_ylabel("test accuracy, %" if column.key == "accuracy" else "test NLL, nats", fontsize=8.5)
        ax.set_xlabel("networks to choose from", fontsize=8.5)
        ax.grid(True, axis="y", color="#eeeeee", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(length=2.5)
    legend(figure, {f"{reference}, ± standard error": CURVE, f"other methods, of {len(simulation.grid(reference))}": OTHER})
    first, last = curves["accuracy"][0][[0, -1]]
    best = simulation.values("accuracy").mean()
    finding = (
        f"Choosing among {len(budget)} networks instead of training one moves {reference} from {100 * first:.1f} to "
        f"{100 * last:.1f} % accuracy; the best method with the same budget, {best.idxmax()}, has {100 * best.max():.1f} %."
    )
    return Drawing(
        "budgets",
        "What a budget buys",
        f"A method with a grid trains many networks and keeps one. {reference} may do the same with different initial weights: "
        f"the curve shows what it reaches as validation chooses among more of them, the diamonds the other methods, all with "
        f"the "
        f"full budget, in {simulation.name}.",
        finding,
        f"Two panels, accuracy and NLL of {reference} against the number of networks to choose from, with the other methods "
        f"marked at the right. {finding}",
        figure,
    )


def by_budget(simulation: Simulated, method: str, column: Column) -> np.ndarray:
    """Mean and standard error (2, C) of a test score where validation chooses among the first 1 ... C networks."""
    criterion = simulation.options["choose_by"]
    validation = candidates(simulation, method, f"validation_{criterion}")
    test = candidates(simulation, method, f"test_{column.key}")
    pick = np.argmax if criterion == "accuracy" else np.argmin
    found = []
    for budget in range(1, test.shape[1] + 1):
        chosen = pick(validation[:, :budget], axis=1)
        found.append(metrics.mean_and_standard_error(test[np.arange(len(test)), chosen]))
    return np.array(found).T


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
