"""How much to smooth: the best smoothing against the probability of the true class, and what methods take from it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from softcifar.report.figures.style import ACCENT, BEHIND, BOTTOM, DARK, GAP_X, LEFT, RIGHT, TOP, Drawing, legend
from softcifar.report.simulations.claims import SMOOTHING
from softcifar.report.simulations.results import Simulated, SimulationResults

SIDE, GAP = 2.9, 0.75  # inches
FEWEST = 200  # training points in a bin, over all data sets, for a mean to be drawn
STYLES = {
    "adaptive_uniform": ("ILS1", {"color": DARK, "marker": "s", "markersize": 4, "linewidth": 1.5}),
    "instance_based": ("ILS2", {"color": "#428546", "marker": "^", "markersize": 4.5, "linewidth": 1.5}),
    "adaptive_instance_based": (
        "ILS",
        {"color": "#7a7a7a", "marker": "D", "markersize": 4, "linewidth": 1.5, "linestyle": "--"},
    ),
    SMOOTHING: ("label smoothing", {"color": ACCENT, "marker": "o", "markersize": 4, "linewidth": 1.5}),
}
IDEAL = BEHIND | {"linewidth": 1.4}


def draw(results: SimulationResults) -> Drawing | None:
    """None without label smoothing over a grid."""
    found = {name: method for name, simulation in results.simulations.items() if (method := _grid_of(simulation))}
    if not found:
        return None
    full_width = LEFT + RIGHT + SIDE + len(found) * SIDE + GAP + (len(found) - 1) * GAP_X
    full_height = TOP + BOTTOM + SIDE
    figure = Figure(figsize=(full_width, full_height))
    size = (SIDE / full_width, SIDE / full_height)
    name = next(iter(found))
    ax = figure.add_axes((LEFT / full_width, BOTTOM / full_height, *size))
    epsilons, best = best_epsilon(results.simulations[name], found[name])
    _best(ax, epsilons, results.simulations[name], found[name], best)
    shared = None
    drawn: set[str] = set()
    for place, each in enumerate(found):
        left = LEFT + SIDE + GAP + place * (SIDE + GAP_X)
        shared = figure.add_axes((left / full_width, BOTTOM / full_height, *size), sharey=shared)
        drawn |= _taken(shared, results.simulations[each])
        shared.set_title(f"taken from the label, {each}" if len(found) > 1 else "taken from the label")
        shared.tick_params(labelleft=place == 0)
        if place == 0:
            shared.set_ylabel("mass taken from the label", fontsize=8.5)
    entries = {title: style for source, (title, style) in STYLES.items() if source in drawn}
    legend(figure, entries | {"1 less the exact probability": IDEAL}, left=LEFT)
    known = [number for number, value in enumerate(best) if not np.isnan(value)]
    low, high = best[known[0]], best[known[-1]]
    finding = (
        f"Points whose true class has a probability near {_middle(known[0], len(best)):g} are best predicted by networks "
        f"smoothed with "
        f"ε {low:g}, those near {_middle(known[-1], len(best)):g} by ε {high:g}."
    )
    return Drawing(
        "smoothing",
        "How much to smooth",
        "Left: test points sorted by the exact probability of their class; colour is the mean KL divergence of the exact "
        "distribution from networks smoothed with one ε, within each column relative to its best, which the dots mark. "
        "Right: how "
        "much of a training point's label the networks chosen by validation gave away, by the exact probability of that label. "
        "The dashed line would make the labels exact.",
        finding,
        f"A heat map of smoothing against true-class probability and {len(found)} panels with curves of the mass that each "
        f"method "
        f"takes from the label. {finding}",
        figure,
    )


def _grid_of(simulation: Simulated) -> str | None:
    """The first method that smooths uniformly with a grid of epsilons."""
    for method in simulation.trained:
        if simulation.source(method) == SMOOTHING and list(simulation.grid(method)[0]) == ["epsilon"]:
            return method
    return None


def divergence(simulation: Simulated, method: str) -> np.ndarray:
    """Mean KL of the exact distribution, (C, bins) by the exact probability of the true class; NaN where there are too few."""
    sums = simulation.arrays["divergence_by_probability"][:, simulation.trained.index(method)].sum(axis=0)
    counts = simulation.arrays["test_by_probability"].sum(axis=0)
    return np.where(counts >= FEWEST, sums / np.maximum(counts, 1), np.nan)


def best_epsilon(simulation: Simulated, method: str) -> tuple[list[float], np.ndarray]:
    """The epsilons tried, and the one with the least mean divergence in each bin (NaN where there are too few points)."""
    epsilons = [one["epsilon"] for one in simulation.grid(method)]
    means = divergence(simulation, method)
    known = ~np.isnan(means[0])
    best = np.full(len(known), np.nan)
    best[known] = np.array(epsilons)[means[:, known].argmin(axis=0)]
    return epsilons, best


def _best(ax: Axes, epsilons: list[float], simulation: Simulated, method: str, best: np.ndarray) -> None:
    order = np.argsort(epsilons)
    means = divergence(simulation, method)[order]
    known = ~np.isnan(means[0])
    worse = np.full(means.shape, np.nan)
    worse[:, known] = means[:, known] / means[:, known].min(axis=0)
    bins = worse.shape[1]
    ax.imshow(worse, cmap="Blues_r", vmin=1, vmax=2, aspect="auto", origin="lower", extent=(0, 1, -0.5, len(epsilons) - 0.5))
    rows = [sorted(epsilons).index(value) for value in best[known]]
    ax.plot(_middle(np.flatnonzero(known), bins), rows, color=ACCENT, marker="o", markersize=4.5, linewidth=1.2)
    ax.set_yticks(range(len(epsilons)), [f"{value:g}" for value in sorted(epsilons)], fontsize=7.5)
    ax.set_xlabel("exact probability of the true class", fontsize=8.5)
    ax.set_ylabel("smoothing ε", fontsize=8.5)
    ax.set_title(f"best ε, {method}")
    ax.tick_params(length=2.5)


def _taken(ax: Axes, simulation: Simulated) -> set[str]:
    """Draws the curves of the unscaled methods; returns their sources."""
    exact = simulation.arrays["exact_of_label"].ravel()
    bins = simulation.arrays["test_by_probability"].shape[1]
    number = np.minimum((exact * bins).astype(int), bins - 1)
    counts = np.bincount(number, minlength=bins)
    middle = _middle(np.arange(bins), bins)
    ax.plot([0, 1], [1, 0], **IDEAL)
    drawn = set()
    for place, (name, method) in enumerate(simulation.methods.items()):
        source = simulation.source(name)
        if method["scaled"] or source not in STYLES or source in drawn:
            continue
        taken = simulation.arrays["smoothing"][:, place].ravel()
        means = np.bincount(number, weights=taken, minlength=bins) / np.maximum(counts, 1)
        ax.plot(middle[counts >= FEWEST], means[counts >= FEWEST], **STYLES[source][1])
        drawn.add(source)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 0.62)
    ax.set_xlabel("exact probability of the label", fontsize=8.5)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", ".5", "", "1"])
    ax.grid(True, color="#eeeeee", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(length=2.5)
    return drawn


def _middle(number, bins: int):
    """Of a bin of probabilities."""
    return np.round((np.asarray(number) + 0.5) / bins, 6)
