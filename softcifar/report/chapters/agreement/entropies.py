"""Human against predicted entropy: does a network hesitate over the images that people hesitate over?"""

import math

import numpy as np

from softcifar import metrics
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, BEHIND, DARK, HAIR, Drawing, legend, note, panels, spread_of
from softcifar.report.core.predictions import runs
from softcifar.report.core.study import Study

GROUPS = 8  # groups of equally many images along the horizontal axis, whose means make the line
POINTS = 1500  # drawn per panel; the line and the correlation use all images
LINE = {"color": ACCENT, "linewidth": 1.8, "marker": "o", "markersize": 4.5, "markeredgecolor": "white",
        "markeredgewidth": 0.6}  # fmt: skip
DOT = {"color": DARK, "marker": "o", "markersize": 3, "linestyle": "none"}
ITS = BEHIND | {"zorder": 3, "color": "#444444"}


def draw(study: Study) -> Drawing | None:
    results = study.results
    targets = results.targets("test")
    if not targets:
        return None
    source, probs = next(iter(targets.items()))  # people's votes where there are any, else the exact distribution
    theirs = metrics.entropy(probs)
    whose = {"human": "people", "exact": "the exact distribution"}[source]
    ours = {
        name: np.mean([metrics.entropy(run.probs) for run in runs(predictions) if run.split == 0], axis=0)
        for name, predictions in study.predictions.items()
    }
    of_split = " of split 0, whose images these are" if len(results.splits) > 1 else ""
    correlation = study.mean("entropy_correlation", source)
    figure, axes = panels(
        list(ours),
        xlabel=f"entropy of {whose}'s labels, nats" if source == "human" else f"entropy of {whose}, nats",
        ylabel="entropy of the prediction, nats",
    )
    order = np.argsort(theirs, kind="stable")
    groups = [group for group in np.array_split(order, GROUPS) if len(group)]
    shown = np.arange(len(theirs))[:: math.ceil(len(theirs) / POINTS)]
    limit_x = max(theirs.max(), 0.1) * 1.05
    limit_y = max(values.max() for values in ours.values()) * 1.15
    for name, ax in axes.items():
        ax.scatter(theirs[shown], ours[name][shown], s=4, color=DARK, alpha=0.28, linewidths=0)
        ax.plot([0, limit_x], [0, limit_x], **HAIR, zorder=0.8)
        ax.plot(*_means(theirs, ours[results.reference], groups), **ITS)
        ax.plot(*_means(theirs, ours[name], groups), **LINE, zorder=4)
        if name in correlation:
            note(ax, f"r = {plain(correlation[name], 2)}", "upper left")
    next(iter(axes.values())).set(xlim=(-0.03 * limit_x, limit_x), ylim=(-0.02 * limit_y, limit_y))
    entries = {"one test image": DOT, "mean of an eighth of the images": LINE, f"{results.reference}, means": ITS}
    legend(figure, entries | {"equal entropy": HAIR})
    finding = f"The correlation of predicted entropy with that of {whose} lies {spread_of(correlation, 2)}, mean over runs."
    return Drawing(
        "entropies",
        "Whose doubt is it?",
        f"Each dot is a test image: how undecided {'people were' if source == 'human' else 'the truth is'} about it "
        f"(across) and how undecided the networks are (up; mean over runs{of_split}). A rising line means that a network "
        "doubts where there is reason to; r is the correlation, mean over runs.",
        finding if correlation else "",
        f"{len(axes)} scatter plots, one per student: entropy of the prediction against entropy of {whose} for each "
        f"test image, with a line of group means.",
        figure,
        raster=True,
    )


def _means(theirs: np.ndarray, ours: np.ndarray, groups: list[np.ndarray]) -> tuple[list[float], list[float]]:
    return [float(theirs[group].mean()) for group in groups], [float(ours[group].mean()) for group in groups]
