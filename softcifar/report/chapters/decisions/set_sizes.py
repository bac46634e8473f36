"""What does it cost to hold the answer more often? Size of the sets against what they hold, a panel per student."""

import numpy as np

from softcifar.conformal.sets import threshold
from softcifar.report.chapters.decisions.sets import LABELS, MISS, TITLES, scores_of
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, BEHIND, DARK, HAIR, Drawing, legend, note, panels, spread_of
from softcifar.report.core.predictions import Prediction, runs
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study

MISSES = np.array([0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3])
LINES = {
    "lac": {"color": DARK, "linewidth": 1.6},
    "aps": {"color": ACCENT, "linewidth": 1.4, "linestyle": (0, (1, 1))},
    "raps": {"color": ACCENT, "linewidth": 1.1, "linestyle": (0, (4, 1.5))},
}


def draw(study: Study) -> Drawing:
    """Curves of every method, means over runs, the reference's LAC behind."""
    results = study.results
    curves = {name: _curves(results, runs(predictions)) for name, predictions in study.predictions.items()}
    figure, axes = panels(study.students, xlabel="holds the label, % of test images", ylabel="classes in a set, mean")
    sizes = study.mean("set_size", LABELS, "lac")
    for name, ax in axes.items():
        ax.axvline(100 * (1 - MISS), **HAIR, zorder=0.8)
        ax.plot(*curves[results.reference]["lac"], **BEHIND)
        for method, curve in curves[name].items():
            ax.plot(*curve, **LINES[method])
        note(ax, f"LAC at {100 * (1 - MISS):.0f} %: {plain(sizes[name], 2)}", "upper left")
    ax.set_xlim(min(curve[0].min() for of in curves.values() for curve in of.values()), 100)
    ax.set_ylim(0, 1.15 * max(curve[1].max() for of in curves.values() for curve in of.values()))
    entries = {TITLES[method]: LINES[method] for method in LINES} | {f"{results.reference}, LAC": BEHIND}
    legend(figure, entries | {f"{100 * (1 - MISS):.0f} %": HAIR})
    return Drawing(
        "set_sizes",
        "Size of sets against what they hold",
        f"Every promise from {100 * (1 - MISSES[-1]):.0f} to {100 * (1 - MISSES[0]):.0f} % gives sets that hold the label so "
        "often (across) and have so many classes (up), thresholds from the validation images, means over runs. The lower a "
        "curve, the less its promise costs; fewer than one class means that some sets are empty.",
        f"At a promise of {100 * (1 - MISS):.0f} % the mean size of LAC's sets lies {spread_of(sizes, 2)}.",
        f"{len(axes)} panels, one per student: mean size of sets against the share of labels that they hold, by "
        f"{', '.join(TITLES[method] for method in LINES)}.",
        figure,
    )


def _curves(results: Results, predictions: list[Prediction]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{method: (per cent held, classes) at each of MISSES}, means over runs."""
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for run in predictions:
        validation_labels, labels = (results.part(part, run.split)["labels"] for part in ("validation", "test"))
        for method, validation, test in scores_of(results, run):
            limits = [threshold(validation, validation_labels, miss=miss) for miss in MISSES]
            of_labels, every = np.sort(test[np.arange(len(labels)), labels]), np.sort(test, axis=None)
            held, inside = (np.searchsorted(each, limits, side="right") for each in (of_labels, every))
            found.setdefault(method, []).append((100 * held / len(labels), inside / len(labels)))
    return {method: tuple(np.mean(each, axis=0)) for method, each in found.items()}
