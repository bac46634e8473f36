"""Training images with all their labels side by side: people's, the exact one and every derived source."""

import textwrap

import numpy as np
from matplotlib.axes import Axes

from softcifar import metrics
from softcifar.report.chapters.labels.samples import show
from softcifar.report.core.drawing import DARK, INK, Drawing, Grid, shorten
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study

CLEAR, AMBIGUOUS = 3, 5  # images shown
CLASSES = 10  # bars per image; where there are more classes, the likeliest of any source are shown
TRACE = 0.02  # where classes are many, one that no source gives more than this is left out
LIGHT = "#9db8d2"
IMAGE, BARS, ROW = 1.12, 0.88, 1.12  # inches: width of an image and of a chart, height of both


def draw(study: Study) -> Drawing:
    results = study.results
    sources, train = _sources(results), results.part("train")
    doubt = metrics.entropy(next(iter(sources.values())))
    picks = typical(doubt, train["labels"])
    names = 0.06 * max(len(shorten(name, 13)) for name in results.classes)  # inches that the class names need
    widths = [IMAGE + 0.06 + names, *[BARS] * len(sources)]
    grid = Grid(widths, [ROW] * len(picks), left=0.1, right=0.22, top=0.55, bottom=0.25, gap_x=0.12, gap_y=0.3)
    for row, pick in enumerate(picks):
        image, label = grid.axes(row, 0, size=(IMAGE, ROW)), int(train["labels"][pick])
        show(image, train["images"][pick])
        image.set_title(shorten(results.classes[label], 15), fontsize=8.5, fontweight="normal", pad=2)
        shown = _shown(np.stack([probs[pick] for probs in sources.values()]))
        for place, (name, probs) in enumerate(sources.items(), start=1):
            ax = grid.axes(row, place)
            _bars(ax, probs[pick], shown, label)
            ax.set_yticks(range(len(shown)), [shorten(results.classes[k], 13) for k in shown] if place == 1 else [])
            if row == 0:
                ax.set_title(_broken(shorten(name, 26)), pad=5, fontsize=8)
    entropies = doubt[picks]
    finding = (
        f"By “{next(iter(sources))}”, the entropy of the labels shown runs from {entropies.min():.2f} to "
        f"{entropies.max():.2f} nats; its mean over the training set is {doubt.mean():.2f}."
    )
    return Drawing(
        "gallery",
        "Labels, side by side",
        "Training images with the data set's label above, clear ones first, ambiguous ones below. Each column is a "
        "source of labels (people: their votes), each bar the probability of a class; the dark bar is the class of "
        f"the data set's label.{_without(sources)}",
        finding,
        f"{len(picks)} training images in rows; for each, bar charts of its label distribution by {', '.join(sources)}.",
        grid.figure,
        raster=True,
    )


def typical(doubt: np.ndarray, labels: np.ndarray) -> list[int]:
    """Indices of CLEAR images of little doubt, of different classes, then AMBIGUOUS ones among the top tenth by doubt.

    doubt: (N,) entropy; labels: (N,). No chance in it: the same arrays give the same images.
    """
    order = np.argsort(doubt, kind="stable")
    clear: list[int] = []
    for pick in order:
        if len(clear) < CLEAR and labels[pick] not in labels[clear]:
            clear.append(int(pick))
    top = order[-max(len(order) // 10, AMBIGUOUS) :]
    spread = np.linspace(0, len(top) - 1, min(AMBIGUOUS, len(top))).round().astype(int)
    return clear + [int(pick) for pick in top[spread] if int(pick) not in clear]


def _sources(results: Results) -> dict[str, np.ndarray]:
    """Label distributions of the training images by name: known ones first; a source that equals one of them is left out."""
    titles = {"human": "people", "exact": "exact"}
    sources = {titles[name]: probs for name, probs in results.targets("train").items()}
    known = list(sources.values())
    for name, probs in results.labels.items():
        if not any(np.allclose(probs, other, atol=1e-6) for other in known):
            sources[name if name not in sources else f"{name} (derived)"] = probs
    return sources


def _without(sources: dict[str, np.ndarray]) -> str:
    """What an empty chart means, where a source labels a share of the images alone."""
    some = any(not probs.any(axis=1).all() for probs in sources.values())
    return ' "No label": a source of labels for some of the images, of which this is none.' if some else ""


def _shown(probs: np.ndarray) -> list[int]:
    """Classes to draw for an image, in class order: all, or the likeliest by any source; probs (sources, K)."""
    if probs.shape[1] <= CLASSES:
        return list(range(probs.shape[1]))
    likeliest = np.argsort(-probs.max(0), kind="stable")[:CLASSES]
    return sorted(k for k in likeliest.tolist() if probs[:, k].max() > TRACE)


def _broken(name: str) -> str:
    """A name on several short lines, broken after its hyphens and underscores."""
    return textwrap.fill(name.replace("_", "_ "), 13).replace("_ ", "_")


def _bars(ax: Axes, probs: np.ndarray, shown: list[int], label: int) -> None:
    """A bar per class; of zeros, which are no distribution, the words "no label"."""
    ax.barh(range(len(shown)), probs[shown], height=0.78, color=[DARK if k == label else LIGHT for k in shown])
    top = int(np.argmax(probs[shown]))
    inside = probs[shown[top]] > 0.6
    if probs.any():
        ax.text(
            float(probs[shown[top]]) + (-0.03 if inside else 0.03),
            top,
            f"{probs[shown[top]]:.2f}".removeprefix("0"),
            ha="right" if inside else "left",
            va="center",
            fontsize=7,
            color="white" if inside and shown[top] == label else "black",
        )
    else:
        ax.text(0.5, (len(shown) - 1) / 2, "no label", ha="center", va="center", fontsize=7, color=INK)
    ax.set(xlim=(0, 1), ylim=(max(len(shown), 5) - 0.5, -0.5), xticks=[])
    ax.tick_params(axis="y", length=0, labelsize=7.5, pad=2)
    ax.spines["bottom"].set_visible(False)
