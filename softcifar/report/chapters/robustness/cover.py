"""Accuracy, confidence and calibration error where part of the image is covered or out of frame."""

from softcifar.report.chapters.robustness.shifts import curves
from softcifar.report.core.drawing import BEHIND, MAIN, SECOND, Drawing, band, legend, panels, spread_of, unit_axis
from softcifar.report.core.study import Study

LINES = {
    "shift_accuracy": ("accuracy", MAIN | {"marker": "o", "markersize": 3}),
    "shift_confidence": ("mean confidence", SECOND | {"marker": "^", "markersize": 3}),
    "shift_ece": ("ECE", BEHIND | {"marker": "s", "markersize": 2.5}),
}


def occlusion(study: Study) -> Drawing | None:
    return _draw(
        study, "occlusion", "covered", "Occluded images", "covered share of the image",
        "A patch of the mean colour covers part of each image, at a random place.",
    )  # fmt: skip


def crop(study: Study) -> Drawing | None:
    return _draw(
        study, "crop", "visible", "Cropped images", "visible share of the image",
        "Each image is shifted out of its frame in a random direction; what is empty has the mean colour.",
    )  # fmt: skip


def _draw(study: Study, shift: str, key: str, title: str, xlabel: str, reading: str) -> Drawing | None:
    results = study.results
    if not results.params["evaluation"]["shifts"][key]:
        return None
    of = {metric: curves(study.numbers, metric, shift) for metric in LINES}
    figure, axes = panels(list(results.students), xlabel=xlabel, ylabel="share of images, or mean probability")
    for student, ax in axes.items():
        for metric, (_, style) in LINES.items():
            own = of[metric][of[metric]["student"] == student]
            band(ax, own["level"], own["value"], **style)
    unit_axis(ax, "x")
    ax.set_xlim(*((1.02, -0.02) if shift == "crop" else (-0.02, 1.02)))  # a crop too runs from mild to severe
    ax.set_ylim(0, 1.02)
    legend(figure, dict(LINES.values()))
    levels = of["shift_ece"]["level"]
    hardest = levels.min() if shift == "crop" else levels.max()
    excess = of["shift_confidence"].set_index(["student", "seed", "level"])["value"]
    excess = excess - of["shift_accuracy"].set_index(["student", "seed", "level"])["value"]
    at = excess.xs(hardest, level="level").groupby(level="student", sort=False).mean()
    return Drawing(
        shift,
        title,
        f"{reading} A network that knows what it lost lowers its confidence with its accuracy: the gap between the two curves "
        "is overconfidence. Means over runs, bands from the lowest to the highest run.",
        f"With {100 * hardest:g} % {key}, mean confidence exceeds accuracy by {spread_of(at.to_dict(), 2)}.",
        f"{len(axes)} panels of accuracy, mean confidence and calibration error against the {xlabel}, one per student.",
        figure,
    )
