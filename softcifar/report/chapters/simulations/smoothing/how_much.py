"""How much to smooth: the best smoothing against the probability of the true class, and what methods take from it."""

import numpy as np
from matplotlib.axes import Axes

from softcifar.report.chapters.claims.instance_smoothing import SMOOTHING
from softcifar.report.chapters.simulations.results import Simulated
from softcifar.report.core.drawing import ACCENT, BEHIND, DARK, GAP_X, Drawing, Grid, legend, ruled
from softcifar.report.core.study import Study

SIDE, GAP = 2.9, 0.75  # inches
FEWEST = 200  # training points in a bin, over all data sets, for a mean to be drawn
CURVE = {"markersize": 4, "linewidth": 1.5}
STYLES = {
    "adaptive_uniform": ("ILS1", CURVE | {"color": DARK, "marker": "s"}),
    "instance_based": ("ILS2", CURVE | {"color": "#428546", "marker": "^"}),
    "adaptive_instance_based": ("ILS", CURVE | {"color": "#7a7a7a", "marker": "D", "linestyle": "--"}),
    SMOOTHING: ("label smoothing", CURVE | {"color": ACCENT, "marker": "o"}),
}
IDEAL = BEHIND | {"linewidth": 1.4}


def draw(study: Study) -> Drawing | None:
    """None without label smoothing over a grid."""
    simulations = study.results.simulations
    smoothed = {name: method for name, simulation in simulations.items() if (method := _grid_of(simulation))}
    if not smoothed:
        return None
    name, method = next(iter(smoothed.items()))
    grid = Grid([SIDE + GAP - GAP_X, *[SIDE] * len(smoothed)], [SIDE])
    epsilons, best = best_epsilon(simulations[name], method)
    _best(grid.axes(0, 0, size=(SIDE, SIDE)), epsilons, simulations[name], method, best)
    shared, drawn = None, set()
    for place, each in enumerate(smoothed, start=1):
        shared = grid.axes(0, place, sharey=shared)
        drawn |= _taken(shared, simulations[each])
        shared.set_title(f"taken from the label, {each}" if len(smoothed) > 1 else "taken from the label")
        shared.tick_params(labelleft=place == 1)
        shared.set_ylabel("mass taken from the label" if place == 1 else "", fontsize=8.5)
    entries = {title: style for source, (title, style) in STYLES.items() if source in drawn}
    legend(grid.figure, entries | {"1 less the exact probability": IDEAL})
    known = [number for number, value in enumerate(best) if not np.isnan(value)]
    (low, low_at), (high, high_at) = ((best[number], _middle(number, len(best))) for number in (known[0], known[-1]))
    return Drawing(
        "smoothing",
        "How much to smooth",
        "Left: test points sorted by the exact probability of their class; colour is the mean KL divergence of the exact "
        "distribution from networks smoothed with one ε, within each column relative to its best, which the dots mark. Right: "
        "how much of a training point's label the networks chosen by validation gave away, by the exact probability of that "
        "label. The dashed line would make the labels exact.",
        f"Points whose true class has a probability near {low_at:g} are best predicted by networks smoothed with ε {low:g}, "
        f"those near {high_at:g} by ε {high:g}.",
        f"A heat map of smoothing against true-class probability and {len(smoothed)} panels with curves of the mass that each "
        "method takes from the label.",
        grid.figure,
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
    ax.set(xlim=(0, 1), ylim=(0, 0.62))
    ax.set_xlabel("exact probability of the label", fontsize=8.5)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", ".5", "", "1"])
    ruled(ax)
    return drawn


def _middle(number, bins: int):
    """Of a bin of probabilities."""
    return np.round((np.asarray(number) + 0.5) / bins, 6)
