"""Losses as maps over all predictions for three classes: what cross-entropy, smoothing and relaxation ask for."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.tri import Triangulation
from scipy.special import rel_entr

from softcifar.report.core.drawing import ACCENT, INK, Drawing, Grid
from softcifar.report.core.kinds import loss, source
from softcifar.report.core.study import Study

STRENGTH = 0.25  # of smoothing and relaxation in the maps: large enough to be seen
STEPS = 56  # of the mesh along a side
LEVELS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
SIDE = 2.6  # inches
CORNERS = np.array([[0.5, np.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])  # the label's class on top


def draw(study: Study) -> Drawing | None:
    results = study.results
    kinds = {(source(results, name), loss(results, name)) for name in results.students}
    smoothed = ("uniform", "cross_entropy") in kinds
    relaxed = any(name == "label_relaxation" for _, name in kinds)
    if not smoothed and not relaxed:
        return None
    probs, triangles = mesh(STEPS)
    maps = {"cross-entropy": (smoothing(probs, 0.0), np.array([1.0, 0.0, 0.0]))}
    if smoothed:
        maps[f"label smoothing, ε {STRENGTH:g}"] = (smoothing(probs, STRENGTH), smooth_target(STRENGTH))
    if relaxed:
        maps[f"label relaxation, α {STRENGTH:g}"] = (relaxation(probs, STRENGTH), None)
    grid = Grid([SIDE] * len(maps), [SIDE * CORNERS[0, 1]], left=0.45, right=0.45, top=0.6, bottom=0.35, gap_x=0.8)
    for place, (title, (values, target)) in enumerate(maps.items()):
        ax = grid.axes(0, place)
        _map(ax, probs, triangles, values, target)
        ax.set_title(title, pad=20, loc="center")
    words = "What each loss asks for: " + "; ".join(
        [
            "cross-entropy, the corner, full confidence",
            *(["smoothing, one point, one fixed confidence"] if smoothed else []),
            *(["relaxation, any point of the marked set, where the loss is 0"] if relaxed else []),
        ]
    )
    return Drawing(
        "loss_maps",
        "What the losses ask for",
        "Every point of a triangle is a prediction for three classes: the top corner gives the label's class everything, the "
        "middle gives all classes the same. Lines join predictions of equal loss (nats above the least possible); the orange "
        f"mark is where the loss is least. Drawn at {STRENGTH:g}, whatever the study's values, so that it can be seen.",
        words + ".",
        f"{len(maps)} triangles with contour lines of the loss over all predictions: {', '.join(maps)}.",
        grid.figure,
    )


def mesh(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (N, 3) on a regular mesh of the simplex, and its triangles (M, 3); the edges are moved in by 1e-4."""
    number = {}
    for i in range(steps + 1):
        for j in range(steps + 1 - i):
            number[i, j] = len(number)
    probs = np.array([(steps - i - j, i, j) for i, j in number], dtype=np.float64) / steps
    triangles = []
    for (i, j), here in number.items():
        if (i + 1, j) in number and (i, j + 1) in number:
            triangles.append((here, number[i + 1, j], number[i, j + 1]))
        if (i + 1, j + 1) in number:
            triangles.append((number[i + 1, j], number[i + 1, j + 1], number[i, j + 1]))
    probs = np.clip(probs, 1e-4, None)
    return probs / probs.sum(axis=1, keepdims=True), np.array(triangles)


def smooth_target(epsilon: float) -> np.ndarray:
    """(1 - epsilon) on the first of three classes, epsilon spread over all; (3,)."""
    return (1 - epsilon) * np.array([1.0, 0.0, 0.0]) + epsilon / 3


def smoothing(probs: np.ndarray, epsilon: float) -> np.ndarray:
    """Cross-entropy with smoothed labels less its least value, KL(t || p); probs (N, 3), label 0 -> (N,)."""
    return rel_entr(smooth_target(epsilon), probs).sum(axis=1)


def relaxation(probs: np.ndarray, alpha: float) -> np.ndarray:
    """Label relaxation (Lienen & Hüllermeier 2021, eq. 5): 0 where p_y >= 1 - alpha; probs (N, 3), label 0 -> (N,)."""
    own = probs[:, 0]
    outside = rel_entr(1 - alpha, own) + rel_entr(alpha, 1 - own)
    return np.where(own >= 1 - alpha, 0.0, outside)


def _map(ax: Axes, probs: np.ndarray, triangles: np.ndarray, values: np.ndarray, target: np.ndarray | None) -> None:
    places = probs @ CORNERS
    net = Triangulation(places[:, 0], places[:, 1], triangles)
    ax.tricontourf(net, values, levels=[0, *LEVELS, 99], cmap="Greys", vmin=-0.35, vmax=4.5, norm=None, alpha=0.55)
    ax.tricontour(net, values, levels=LEVELS, colors=INK, linewidths=0.6)
    _label_lines(ax, probs, values)
    ax.plot(*CORNERS[[0, 1, 2, 0]].T, color=INK, linewidth=0.9, clip_on=False)
    if target is None:
        edge = np.array([[1 - STRENGTH, STRENGTH, 0], [1 - STRENGTH, 0, STRENGTH], [1, 0, 0]]) @ CORNERS
        ax.fill(edge[:, 0], edge[:, 1], facecolor=ACCENT, alpha=0.55, edgecolor=ACCENT, linewidth=1.2)
    else:
        ax.plot(*(target @ CORNERS), marker="o", markersize=7, color=ACCENT, clip_on=False, zorder=5)
    ax.text(0.5, CORNERS[0, 1] + 0.035, "label's class", ha="center", va="bottom", fontsize=8)
    ax.text(0.0, -0.035, "second class", ha="center", va="top", fontsize=8)
    ax.text(1.0, -0.035, "third class", ha="center", va="top", fontsize=8)
    ax.set(xlim=(0, 1), ylim=(0, CORNERS[0, 1]), aspect="equal")
    ax.set_axis_off()


def _label_lines(ax: Axes, probs: np.ndarray, values: np.ndarray) -> None:
    """The level of every line, where it crosses the line from the least loss straight down to the far side."""
    middle = np.flatnonzero(np.isclose(probs[:, 1], probs[:, 2]))
    middle = middle[np.argsort(-probs[middle, 0])]
    below = middle[values[middle].argmin() :]
    for level in LEVELS:
        height = np.interp(level, values[below], probs[below, 0]) * CORNERS[0, 1]
        ground = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 0.6}
        if height > 0.03 and probs[below[0], 0] * CORNERS[0, 1] - height > 0.05:  # room beside the far side and the mark
            text = f"{level:g}".removeprefix("0")
            ax.text(0.5, height, text, ha="center", va="center", fontsize=6.5, bbox=ground)
