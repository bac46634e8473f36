"""The data: training points of the first data set, and the exact class probabilities of the plane."""

import numpy as np

from softcifar.report.core.drawing import INK, Drawing, Grid, legend
from softcifar.report.core.study import Study

SIDE = 3.6  # inches
COLORS = np.array([[31, 78, 121], [209, 112, 15], [66, 133, 70], [120, 60, 130], [120, 120, 120]]) / 255
MARKERS = "os^Dv"


def draw(study: Study) -> Drawing | None:
    """None where points have other than two features, or there are more classes than colours."""
    results, classes = study.results, study.results.manifest["classes"]
    if results.manifest["features"] != 2 or len(classes) > len(COLORS):
        return None
    train, test = ({name: values[0] for name, values in results.splits[split].items()} for split in ("train", "test"))
    grid = Grid([SIDE, SIDE], [SIDE])
    left = grid.axes(0, 0)
    right = grid.axes(0, 1, sharex=left, sharey=left)
    for number in range(len(classes)):
        for dense in (True, False):
            chosen = train["points"][(train["labels"] == number) & (train["dense"] == dense)]
            face = COLORS[number] if dense else "white"
            left.scatter(*chosen.T, s=22, marker=MARKERS[number], facecolor=face, edgecolor=COLORS[number], linewidth=1.1)
    mixed = test["exact"] @ COLORS[: len(classes)]
    light = 0.9 * (1 - (test["exact"].max(axis=1, keepdims=True) * len(classes) - 1) / (len(classes) - 1))
    right.scatter(*test["points"].T, s=2.5, color=np.clip(mixed + (1 - mixed) * light, 0, 1), linewidth=0)
    reach = np.abs(np.concatenate([train["points"], np.quantile(test["points"], [0.001, 0.999], axis=0)])).max() * 1.05
    left.set(xlim=(-reach, reach), ylim=(-reach, reach))
    for ax, title in ((left, f"{len(train['labels'])} training points"), (right, "exact probabilities at the test points")):
        ax.set_title(title)
        ax.set_aspect("equal")
        ax.tick_params(length=2.5, labelleft=ax is left)
    handles = {
        f"class {name}": {"color": COLORS[number], "marker": MARKERS[number], "markersize": 5, "linestyle": "none"}
        for number, name in enumerate(classes)
    }
    hollow = {"color": INK, "marker": "o", "markerfacecolor": "white", "markersize": 5, "linestyle": "none"}
    legend(grid.figure, handles | {"hollow: from a sparse region": hollow})
    return Drawing(
        "points",
        "The data",
        "The first data set. Left, what the networks learn from. Right, what there is to learn: a point has the colour of the "
        "classes that it may belong to, the paler the less sure; where it is white, all classes are equally likely.",
        "",
        f"Two scatter plots of the plane: {len(train['labels'])} training points by class, and {len(test['labels']):,} test "
        "points coloured by their exact class probabilities.",
        grid.figure,
        raster=True,
    )
