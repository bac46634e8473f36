"""Accuracy and calibration error against the severity of corruptions, the reference behind."""

from softcifar.report.chapters.robustness.shifts import corruptions, curves
from softcifar.report.core.drawing import BEHIND, MAIN, Drawing, band, legend, panels, spread_of
from softcifar.report.core.study import Study

OWN = MAIN | {"marker": "o", "markersize": 3.5}
SINGLE = {"color": "#b8b8b8", "linewidth": 0.8, "zorder": 0.9}


def accuracy(study: Study) -> Drawing | None:
    return _draw(
        study, "corruption_accuracy", "Accuracy on corrupted images", "shift_accuracy", "accuracy, %", 100,
        "The flatter the curve, the more the network withstands.",
    )  # fmt: skip


def calibration(study: Study) -> Drawing | None:
    return _draw(
        study, "corruption_ece", "Calibration on corrupted images", "shift_ece", "expected calibration error", 1,
        "A curve that stays low: the network notices that it is wrong more often. With few images every ECE is larger.",
    )  # fmt: skip


def _draw(study: Study, name: str, title: str, metric: str, ylabel: str, scale: float, reading: str) -> Drawing | None:
    results = study.results
    listed = corruptions(results)
    if not listed:
        return None
    mean = curves(study.numbers, metric, "corruptions")
    single = {each: curves(study.numbers, metric, each) for each in listed}
    figure, axes = panels(list(results.students), xlabel="severity (0: not corrupted)", ylabel=ylabel)
    reference = mean[mean["student"] == results.reference].groupby("level")["value"].mean()
    for student, ax in axes.items():
        for curve in single.values():
            own = curve[curve["student"] == student].groupby("level")["value"].mean()
            ax.plot(own.index, scale * own, **SINGLE)
        ax.plot(reference.index, scale * reference, **BEHIND)
        own = mean[mean["student"] == student]
        band(ax, own["level"], scale * own["value"], **OWN)
    ax.set_ylim(0, 102 if scale == 100 else None)
    ax.set_xticks(sorted(mean["level"].unique()))
    legend(figure, {"mean over corruptions": OWN, "single corruptions": SINGLE, results.reference: BEHIND})
    highest = mean["level"].max()
    at = mean[mean["level"] == highest].groupby("student", sort=False)["value"].mean()
    spread = spread_of(at.to_dict(), 1, 100, " %") if scale == 100 else spread_of(at.to_dict())
    words = ", ".join(each.replace("_", " ") for each in listed)
    return Drawing(
        name,
        title,
        f"Test images with {words}, severities as published for CIFAR-10-C. {reading} Blue: mean over corruptions and runs, "
        "its band from the lowest to the highest run; pale: each corruption by itself.",
        f"At severity {highest:g} the mean lies {spread}.",
        f"{len(axes)} panels of {ylabel} against severity, one per student: the mean over {len(listed)} corruptions, each of "
        f"them, and the mean of {results.reference} dashed behind.",
        figure,
    )
