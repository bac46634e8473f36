"""Accuracy against the strength of an FGSM attack, the reference behind."""

from softcifar.report.columns import fgsm as fgsm_column
from softcifar.report.context import Context
from softcifar.report.figures.style import BEHIND, DARK, MAIN, Drawing, legend, note, panels
from softcifar.report.plots import fgsm
from softcifar.report.summary import middle_strength, strength

OWN = MAIN | {"marker": "o", "markersize": 3.5}


def draw(context: Context) -> Drawing | None:
    results = context.results
    curves = fgsm(results)
    middle = middle_strength(results)
    if middle is None:
        return None
    mean = curves.groupby(["student", "eps_255"], sort=False)["accuracy"].mean()
    at_middle = context.means(fgsm_column(middle))
    figure, axes = panels(
        list(results.students), xlabel="strength of the attack ε, 1/255 of the pixel range", ylabel="accuracy, %"
    )
    for name, ax in axes.items():
        reference, own = mean[results.reference], mean[name]
        ax.plot(reference.index, 100 * reference, **BEHIND)
        for _, run in curves[curves["student"] == name].groupby("seed"):
            ax.plot(run["eps_255"], 100 * run["accuracy"], color=DARK, linewidth=0.6, alpha=0.45)
        ax.plot(own.index, 100 * own, **OWN)
        note(ax, f"at {strength(middle)}: {100 * at_middle[name]:.1f} %", y=0.95, va="top")
    first = next(iter(axes.values()))
    first.set_ylim(0, 102)
    first.set_xlim(0, None)
    legend(figure, {"mean over runs (thin: single runs)": OWN, results.reference: BEHIND})
    high, low = max(at_middle, key=at_middle.get), min(at_middle, key=at_middle.get)
    images = sorted({student.attacked.shape[2] for student in results.students.values()})
    finding = (
        f"At {strength(middle)} mean accuracy lies between {100 * at_middle[low]:.1f} % ({low}) and "
        f"{100 * at_middle[high]:.1f} % ({high})."
    )
    return Drawing(
        "attack",
        "Accuracy under attack",
        "FGSM moves every pixel by ε in the direction that raises the network's own loss. The flatter the curve, "
        f"the more robust the network against this one, weak attack; {' or '.join(map(str, images))} test "
        "images.",
        finding,
        f"{len(axes)} panels of accuracy against attack strength, one per student, each "
        f"with the curve of {results.reference} dashed behind. {finding}",
        figure,
    )
