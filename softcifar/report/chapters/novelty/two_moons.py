"""Two moons: what four kinds of uncertainty say of the plane around the training points."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from softcifar.report.core.drawing import ACCENT, DARK, Drawing, panels
from softcifar.report.core.study import Study

MAPS = {
    "softmax_entropy": "entropy, one network",
    "ensemble_entropy": "entropy, ensemble",
    "normalised_entropy": "entropy, spectral norm",
    "density": "density, spectral norm",
}
COLOURS = LinearSegmentedColormap.from_list("uncertainty", ["#ffffff", "#9a9a9a", "#3a3a3a"])
BRIGHTEST = 2.0  # a density's colours end where the score is so many times as far from its lowest as the worst training point


def draw(study: Study) -> Drawing | None:
    maps = study.results.illustrations.get("two_moons")
    if maps is None:
        return None
    figure, axes = panels(list(MAPS.values()), width=2.3, height=2.1)
    extent = (maps["across"][0], maps["across"][-1], maps["down"][0], maps["down"][-1])
    unknown = {}
    far = _far(maps)
    for (name, title), ax in zip(MAPS.items(), axes.values(), strict=True):
        values = maps[name]
        low = float(values.min())
        # An entropy of two classes ends at log 2; a density has no end, so its scale comes from the training points.
        high = np.log(2) if name != "density" else low + BRIGHTEST * (_at_points(maps, values).max() - low)
        shown = np.clip((values - low) / (high - low), 0, 1)
        ax.imshow(shown, origin="lower", extent=extent, aspect="auto", cmap=COLOURS, vmin=0, vmax=1, interpolation="bilinear")
        for label, colour in ((0, DARK), (1, ACCENT)):
            points = maps["points"][maps["labels"] == label]
            ax.plot(points[:, 0], points[:, 1], ".", color=colour, markersize=1.6, markeredgewidth=0)
        ax.grid(False)
        ax.tick_params(labelbottom=False, labelleft=False, length=0)
        unknown[title] = 100 * float((shown[far] > 0.5).mean())
    finding = "Share of the plane more than 1 away from every training point that is called unknown (darker than half): "
    finding += ", ".join(f"{title} {share:.0f} %" for title, share in unknown.items()) + "."
    return Drawing(
        "two_moons",
        "Two moons: where is the unknown?",
        "Small networks learned to tell the two moons of points apart; the darker the ground, the more uncertain they are "
        "there. Entropy knows the border between the classes alone, however far from all data; an ensemble widens it "
        "where its members disagree; the density of the features of one spectrally normalised network is dark wherever "
        "there was no training point, and light on the moons.",
        finding,
        "Four maps of uncertainty over the plane around two moons of points.",
        figure,
        raster=True,
    )


def _at_points(maps: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    """The map at the grid points nearest to the training points, (N,)."""
    columns = np.abs(maps["across"][None] - maps["points"][:, :1]).argmin(axis=1)
    rows = np.abs(maps["down"][None] - maps["points"][:, 1:]).argmin(axis=1)
    return values[rows, columns]


def _far(maps: dict[str, np.ndarray]) -> np.ndarray:
    """Which grid points lie more than 1 from every training point; bool like a map."""
    grid = np.stack(np.meshgrid(maps["across"], maps["down"]), axis=-1)
    distance = np.full(grid.shape[:2], np.inf)
    for point in maps["points"]:
        distance = np.minimum(distance, np.hypot(*np.moveaxis(grid - point, -1, 0)))
    return distance > 1
