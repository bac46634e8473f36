"""Reliability diagrams: is a network right as often as it says?"""

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, BEHIND, DARK, FAINT, HAIR, Drawing, legend, note, panels, unit_axis
from softcifar.report.core.predictions import runs
from softcifar.report.core.study import Study

BEFORE = {"color": DARK, "linewidth": 1.5, "marker": "o", "markersize": 3}
AFTER = BEFORE | {"color": ACCENT, "linewidth": 1.1, "linestyle": (0, (1, 1)), "marker": "s", "markerfacecolor": "white"}


def table(study: Study) -> pd.DataFrame:
    """A row per student, bin and "before" | "after" temperature scaling: images of all runs, confidence, accuracy."""
    rows = []
    for name, predictions in study.predictions.items():
        labels = np.concatenate([study.results.part("test", run.split)["labels"] for run in runs(predictions)])
        for scaling in ("before", "after"):
            parts = [run.probs if scaling == "before" else run.scaled for run in runs(predictions)]
            bins = metrics.reliability_bins(np.concatenate(parts), labels, bins=study.results.bins)
            rows += [(name, scaling, number, *values) for number, values in enumerate(zip(*bins, strict=True)) if values[0]]
    return pd.DataFrame(rows, columns=["student", "scaling", "bin", "images", "confidence", "accuracy"])


def draw(study: Study) -> Drawing:
    results = study.results
    bins = table(study)
    # A dot that stands for a handful of images says nothing; it would only draw the eye to noise.
    few = bins["images"] < 0.005 * bins.groupby(["student", "scaling"])["images"].transform("sum")
    shown = bins[~few]
    figure, axes = panels(list(results.students), xlabel="confidence: probability of the predicted class", ylabel="accuracy")
    before, after = study.mean("ece"), study.mean("ece_scaled")
    reference = _of(shown, results.reference, "before")
    for name, ax in axes.items():
        every = _of(bins, name, "before")
        share = every["images"] / every["images"].sum()
        ax.bar((every["bin"] + 0.5) / results.bins, share * 0.5, 1 / results.bins, color=FAINT, linewidth=0, zorder=0.5)
        ax.plot([0, 1], [0, 1], **HAIR, zorder=0.8)
        ax.plot(reference["confidence"], reference["accuracy"], **BEHIND)
        for scaling, style in (("before", BEFORE), ("after", AFTER)):
            part = _of(shown, name, scaling)
            ax.plot(part["confidence"], part["accuracy"], **style)
        note(ax, f"ECE {plain(before[name])} → {plain(after[name])}", "upper left")
    unit_axis(ax, "x")
    unit_axis(ax, "y", 1.02)
    entries = {"as trained": BEFORE, "after temperature scaling": AFTER, f"{results.reference}, as trained": BEHIND}
    legend(figure, entries | {"perfect calibration": HAIR})
    best, best_after = min(before, key=before.get), min(after, key=after.get)
    lower = sum(after[name] < before[name] for name in before)
    finding = (
        f"Smallest mean ECE as trained: {best} ({before[best]:.3f}); after temperature scaling: {best_after} "
        f"({after[best_after]:.3f}). Scaling lowered the mean ECE of {lower} of {len(before)} students."
    )
    return Drawing(
        "reliability",
        "Reliability",
        "Below the diagonal a network is surer than it is right, above it too modest. Grey bars: the share of test "
        f"images at that confidence. Runs are pooled over {results.bins} equal bins; bins with next to no images are "
        "not drawn. The numbers are the mean ECE as trained → after scaling.",
        finding,
        f"{len(axes)} reliability diagrams, one per student: accuracy against confidence before and after temperature "
        f"scaling, the diagonal, and the curve of {results.reference} dashed behind.",
        figure,
    )


def _of(bins, student: str, scaling: str):
    return bins[(bins["student"] == student) & (bins["scaling"] == scaling)]
