"""Does a network grow unsure where it grows wrong? Mean entropy against error, a point per shift and level."""

from softcifar.report.chapters.robustness.shifts import COVERS
from softcifar.report.core.columns import HEADLINE_SCORE, plain
from softcifar.report.core.drawing import ACCENT, DARK, INK, Drawing, legend, note, panels, spread_of
from softcifar.report.core.study import Study

DOT = {"linestyle": "none", "markersize": 4, "markeredgewidth": 0.6, "markeredgecolor": "white"}
KINDS = {
    "corruptions": DOT | {"marker": "o", "color": DARK},
    "occlusion": DOT | {"marker": "s", "color": ACCENT},
    "crop": DOT | {"marker": "^", "color": ACCENT, "markerfacecolor": "white", "markeredgecolor": ACCENT},
    "test images": DOT | {"marker": "*", "color": INK, "markersize": 8},
}


def draw(study: Study) -> Drawing | None:
    runs = study.numbers[(study.numbers["kind"] == "run") & (study.numbers["score"] != "")]
    runs = runs[runs["set"] != "corruptions"]
    keys = ["student", "set", "score"]
    accuracy, entropy = (
        runs[runs["metric"] == metric].groupby(keys, sort=False)["value"].mean()
        for metric in ("shift_accuracy", "shift_entropy")
    )
    if accuracy.empty:
        return None
    follows = study.mean("shift_correlation", "shifts", HEADLINE_SCORE)
    figure, axes = panels(study.students, xlabel="error, %", ylabel="mean predictive entropy, nats")
    present = set()
    for name, ax in axes.items():
        for (shift, level), right in accuracy[name].items():
            kind = "test images" if shift == "none" else shift if shift in COVERS else "corruptions"
            present.add(kind)
            ax.plot(100 * (1 - right), entropy[name, shift, level], **KINDS[kind])
        if name in follows:
            note(ax, f"rank corr. {plain(follows[name], 2)}", "upper left")
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 1.25 * entropy.max())  # room for the note
    legend(figure, {kind: style for kind, style in KINDS.items() if kind in present})
    finding = f"The rank correlation of entropy with error lies {spread_of(follows, 2)}, mean over runs." if follows else ""
    return Drawing(
        "shift_uncertainty",
        "Uncertainty against error under shift",
        "A point is one shift at one level, mean over runs. Where points rise to the right, a network that errs more is less "
        "sure; a point at the lower right is a shift that makes it wrong and leaves it sure. The table “Does uncertainty "
        "follow the error?” has the same for densities of features and a method's own score.",
        finding,
        f"{len(axes)} scatter plots of mean predictive entropy against error, a point per shift and level, one per student.",
        figure,
    )
