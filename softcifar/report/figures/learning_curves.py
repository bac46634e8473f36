"""Learning curves: loss on validation against epoch, one panel per student, the reference behind."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from softcifar.report.columns import plain
from softcifar.report.context import Context
from softcifar.report.figures.style import BEHIND, MAIN, SECOND, Drawing, legend, note, panels


def draw(context: Context) -> Drawing | None:
    results = context.results
    curves = {name: _chosen(student.history) for name, student in results.students.items()}
    figure, axes = panels(list(curves), xlabel="epoch", ylabel="loss, nats")
    mean = {name: curve.groupby("epoch", sort=True).mean() for name, curve in curves.items()}
    reference = mean[results.reference]
    for name, ax in axes.items():
        ax.plot(reference.index, reference["validation_nll"], **BEHIND)
        for _, run in curves[name].groupby("seed"):
            ax.plot(run["epoch"], run["validation_nll"], color=MAIN["color"], linewidth=0.6, alpha=0.45)
        ax.plot(mean[name].index, mean[name]["train_loss"], **SECOND)
        ax.plot(mean[name].index, mean[name]["validation_nll"], **MAIN)
        note(ax, f"lowest {plain(_lowest(curves[name]))}", y=0.95, va="top")
    next(iter(axes.values())).xaxis.set_major_locator(MaxNLocator(4, integer=True))
    # A first epoch or a diverging run may lie far above the rest; the part that differs is what should be seen.
    values = np.concatenate([curve[["validation_nll", "train_loss"]].to_numpy().ravel() for curve in curves.values()])
    # A loss that rewards entropy can be far below 0; it would press all other curves together.
    shown = values[np.isfinite(values) & (values >= 0)]
    below = bool((values < 0).any())
    next(iter(axes.values())).set_ylim(0, max(np.quantile(shown, 0.97) * 1.08, 1e-3))
    legend(
        figure,
        {
            "validation NLL (thin: single runs)": MAIN,
            "training loss": SECOND,
            f"{results.reference}, validation NLL": BEHIND,
        },
    )
    lowest = {name: _lowest(curve) for name, curve in curves.items()}
    best, worst = min(lowest, key=lowest.get), max(lowest, key=lowest.get)
    finding = (
        f"The lowest validation NLL of a run, averaged over runs, lies between {lowest[best]:.3f} ({best}) and "
        f"{lowest[worst]:.3f} ({worst})."
    )
    return Drawing(
        "learning_curves",
        "Learning curves",
        "A solid curve that turns upwards has begun to overfit. Training losses are measured against each student's "
        "own targets and augmentation, so they compare within a panel only: soft targets keep a floor that hard "
        "ones do not." + (" A training loss below 0 (a penalty that rewards entropy) is not drawn." if below else ""),
        finding,
        f"{len(curves)} panels of loss against epoch, one per student, each with its validation loss as a solid "
        f"line, its training loss dotted and the validation loss of {results.reference} dashed behind. {finding}",
        figure,
    )


def _chosen(history: pd.DataFrame) -> pd.DataFrame:
    chosen = history[history["chosen"] == 1]
    return chosen[["seed", "epoch", "train_loss", "validation_nll", "validation_accuracy"]]


def _lowest(curve: pd.DataFrame) -> float:
    return float(curve.groupby("seed")["validation_nll"].min().mean())
