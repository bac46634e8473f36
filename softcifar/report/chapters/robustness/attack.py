"""Accuracy against the strength of every attack: by gradients and without them."""

from softcifar.report.chapters.robustness import attacks
from softcifar.report.core.drawing import ACCENT, DARK, GREY, INK, Drawing, band, legend, panels, spread_of
from softcifar.report.core.study import Study

PLAIN = {"markersize": 3.5, "linewidth": 1.3}
STYLES = {
    "fgsm": PLAIN | {"color": GREY, "marker": "s", "linestyle": (0, (4, 2))},
    "pgd": PLAIN | {"color": DARK, "marker": "o", "linewidth": 1.7},
    "apgd": PLAIN | {"color": DARK, "marker": "v", "linestyle": (0, (3, 1))},
    "random_search": PLAIN | {"color": ACCENT, "marker": "^", "linestyle": (0, (1, 1))},
}
TRANSFER = PLAIN | {"color": INK, "marker": "x", "linestyle": (0, (5, 1, 1, 1))}


def draw(study: Study) -> Drawing | None:
    results = study.results
    curves = attacks.curves(results)
    if curves.empty:
        return None
    figure, axes = panels(
        list(results.students), xlabel="strength of the attack ε, 1/255 of the pixel range", ylabel="accuracy, %"
    )
    for name, ax in axes.items():
        for attack, curve in curves[curves["student"] == name].groupby("attack", sort=False):
            band(ax, curve["eps_255"], 100 * curve["accuracy"], **STYLES.get(attack, TRANSFER))
    ax.set_ylim(0, 102)
    ax.set_xlim(0, None)
    names = list(dict.fromkeys(curves["attack"]))
    legend(figure, {attacks.title(name): STYLES.get(name, TRANSFER) for name in names})
    slow = "pgd" if "pgd" in names else names[0]
    eps = curves[curves["attack"] == slow]["eps_255"].max()
    at = curves[(curves["attack"] == slow) & (curves["eps_255"] == eps)].groupby("student", sort=False)["accuracy"].mean()
    finding = (
        f"Under {attacks.title(slow)} at {attacks.strength(eps)} mean accuracy lies {spread_of(at.to_dict(), 1, 100, ' %')}."
    )
    blind = [attacks.title(name) for name in attacks.black_boxes(next(iter(results.students.values()))) if name in names]
    if blind:
        finding += f" {' and '.join(blind).capitalize()} used none of a student's own gradients."
    return Drawing(
        "attack",
        "Accuracy under attack",
        "Each attack changes every pixel by at most ε so that the network errs: FGSM in one step along the loss's gradient, "
        "PGD in several, APGD in many of adapted length, random search by trying squares of colour without a gradient; "
        "transfer tests adversarial examples crafted on another network. PGD or APGD should be the lowest curve; where one "
        "without gradients lies below it, gradients mislead. Lines: means over runs; bands: from the lowest to the highest "
        "run. All curves of a panel are on the same images.",
        finding,
        f"{len(axes)} panels of accuracy against attack strength, one per student, a curve for each of "
        f"{', '.join(map(attacks.title, names))}.",
        figure,
    )
