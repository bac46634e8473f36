"""Learning curves: loss on validation against epoch, one panel per student, the reference behind."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import BEHIND, MAIN, SECOND, Drawing, dot, legend, note, panels, spread_of
from softcifar.report.core.study import Study


def draw(study: Study) -> Drawing:
    results = study.results
    curves = {name: _chosen(student.history) for name, student in results.students.items()}
    figure, axes = panels(list(curves), xlabel="epoch", ylabel="loss, nats")
    mean = {name: curve.groupby("epoch", sort=True).mean() for name, curve in curves.items()}
    reference = mean[results.reference]
    for name, ax in axes.items():
        ax.plot(reference.index, reference["validation_nll"], **BEHIND, **dot(reference))
        for _, run in curves[name].groupby("seed"):
            ax.plot(run["epoch"], run["validation_nll"], color=MAIN["color"], linewidth=0.6, alpha=0.45, **dot(run))
        ax.plot(mean[name].index, mean[name]["train_loss"], **SECOND, **dot(mean[name]))
        ax.plot(mean[name].index, mean[name]["validation_nll"], **MAIN, **dot(mean[name]))
        note(ax, f"lowest {plain(_lowest(curves[name]))}", "upper right")
    first = next(iter(axes.values()))
    if all(len(curve) == 1 for curve in mean.values()):
        first.set_xticks(mean[results.reference].index)
    else:
        first.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    # A first epoch or a diverging run may lie far above the rest; the part that differs is what should be seen.
    values = np.concatenate([curve[["validation_nll", "train_loss"]].to_numpy().ravel() for curve in curves.values()])
    # A loss that rewards entropy can be far below 0; it would press all other curves together.
    shown = values[np.isfinite(values) & (values >= 0)]
    below = bool((values < 0).any())
    first.set_ylim(0, max(np.quantile(shown, 0.97) * 1.08, 1e-3))
    entries = {"validation NLL (thin: single runs)": MAIN, "training loss": SECOND}
    legend(figure, entries | {f"{results.reference}, validation NLL": BEHIND})
    lowest = {name: _lowest(curve) for name, curve in curves.items()}
    return Drawing(
        "learning_curves",
        "Learning curves",
        "A solid curve that turns upwards has begun to overfit. Training losses are measured against each student's "
        "own targets and augmentation, so they compare within a panel only: soft targets keep a floor that hard "
        "ones do not." + (" A training loss below 0 (a penalty that rewards entropy) is not drawn." if below else ""),
        f"The lowest validation NLL of a run, averaged over runs, lies {spread_of(lowest)}.",
        f"{len(curves)} panels of loss against epoch, one per student, each with its validation loss as a solid "
        f"line, its training loss dotted and the validation loss of {results.reference} dashed behind.",
        figure,
    )


def table(study: Study) -> pd.DataFrame:
    """A row per student, run and epoch, of the hyper-parameter choice that validation made."""
    parts = []
    for name, student in study.results.students.items():
        chosen = student.history[student.history["chosen"] == 1]
        parts.append(chosen.drop(columns=["candidate", "chosen"]).assign(student=name))
    curves = pd.concat(parts)
    return curves[["student", *curves.columns.drop("student")]]


def _chosen(history: pd.DataFrame) -> pd.DataFrame:
    chosen = history[history["chosen"] == 1]
    return chosen[["seed", "epoch", "train_loss", "validation_nll", "validation_accuracy"]]


def _lowest(curve: pd.DataFrame) -> float:
    return float(curve.groupby("seed")["validation_nll"].min().mean())
