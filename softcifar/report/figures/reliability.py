"""Reliability diagrams: is a network right as often as it says?"""

from softcifar.report.columns import plain
from softcifar.report.context import Context
from softcifar.report.figures.style import ACCENT, BEHIND, DARK, FAINT, GREY, Drawing, legend, note, panels
from softcifar.report.plots import reliability

BEFORE = {"color": DARK, "linewidth": 1.5, "marker": "o", "markersize": 3}
AFTER = {
    "color": ACCENT,
    "linewidth": 1.1,
    "linestyle": (0, (1, 1)),
    "marker": "s",
    "markersize": 3,
    "markerfacecolor": "white",
}


def draw(context: Context) -> Drawing | None:
    results = context.results
    bins = reliability(results, context.predictions)
    # A dot that stands for a handful of images says nothing; it would only draw the eye to noise.
    few = bins["images"] < 0.005 * bins.groupby(["student", "scaling"])["images"].transform("sum")
    shown = bins[~few]
    figure, axes = panels(list(results.students), xlabel="confidence: probability of the predicted class", ylabel="accuracy")
    before, after = context.mean("ece"), context.mean("ece_scaled")
    reference = _of(shown, results.reference, "before")
    for name, ax in axes.items():
        every = _of(bins, name, "before")
        share = every["images"] / every["images"].sum()
        ax.bar((every["bin"] + 0.5) / results.bins, share * 0.5, 1 / results.bins, color=FAINT, linewidth=0, zorder=0.5)
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, zorder=0.8)
        ax.plot(reference["confidence"], reference["accuracy"], **BEHIND)
        for scaling, style in (("before", BEFORE), ("after", AFTER)):
            part = _of(shown, name, scaling)
            ax.plot(part["confidence"], part["accuracy"], **style)
        note(ax, f"ECE {plain(before[name])} → {plain(after[name])}", x=0.04, y=0.95, ha="left", va="top")
    first = next(iter(axes.values()))
    first.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    first.set_xticklabels(["0", ".5", "1"])
    first.set_yticklabels(["0", ".5", "1"])
    legend(
        figure,
        {
            "as trained": BEFORE,
            "after temperature scaling": AFTER,
            f"{results.reference}, as trained": BEHIND,
            "perfect calibration": {"color": GREY, "linewidth": 0.6},
        },
    )
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
        f"scaling, the diagonal, and the curve of {results.reference} dashed behind. {finding}",
        figure,
    )


def _of(bins, student: str, scaling: str):
    return bins[(bins["student"] == student) & (bins["scaling"] == scaling)]
