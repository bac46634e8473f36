"""Risk-coverage curves: how wrong are the answers, the more images are refused?"""

import numpy as np

from softcifar.metrics.selective import risk_coverage
from softcifar.report.chapters.decisions.selective import RISK, USUAL, normalised, wrong
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import BEHIND, HAIR, MAIN, SECOND, Drawing, legend, note, panels, spread_of, unit_axis
from softcifar.report.core.kinds import NORMALISED
from softcifar.report.core.predictions import runs
from softcifar.report.core.study import Study

GRID = np.linspace(0.05, 1, 58)  # coverages drawn; of fewer answers the risk is noise


def draw(study: Study) -> Drawing:
    """A panel per student: by max probability and by normalised logits, means over runs, the reference behind."""
    results, orders = study.results, _orders(study)
    figure, axes = panels(study.students, xlabel="coverage: share of test images answered", ylabel="wrong answers, %")
    curves = {}
    for name, predictions in study.predictions.items():
        of_runs = [(run, wrong(results, run)) for run in runs(predictions)]
        usual = [_risk(run.novelty[USUAL]["test"], missed) for run, missed in of_runs]
        others = [_risk(normalised(results, run, orders[name, run.seed]), missed) for run, missed in of_runs]
        curves[name] = np.mean(usual, axis=0), np.mean(others, axis=0)
    share = study.mean("coverage5", "test", USUAL)
    for name, ax in axes.items():
        ax.axhline(100 * RISK, **HAIR, zorder=0.8)
        ax.plot(GRID, curves[results.reference][0], **BEHIND)
        ax.plot(GRID, curves[name][0], **MAIN)
        ax.plot(GRID, curves[name][1], **SECOND)
        note(ax, f"{plain(100 * share[name], 0)} % answered", "upper left")
    unit_axis(ax, "x")
    ax.set_ylim(0, 1.2 * max(curve.max() for of in curves.values() for curve in of))
    entries = {"by max probability": MAIN, "by normalised logits": SECOND, f"{results.reference}, max probability": BEHIND}
    legend(figure, entries | {"5 % wrong": HAIR})
    return Drawing(
        "risk_coverage",
        "Risk and coverage",
        "A network answers the images that it doubts least (across) and is wrong about so many of them (up): the lower the "
        "curve, and the longer it stays below the line of 5 %, the better. At the right end nothing is refused. The number is "
        "the share of test images that it can answer by max probability with 5 % wrong, by the threshold that suits the test "
        "images best; curves are means over runs.",
        f"The mean AURC by max probability lies {spread_of(study.mean('aurc', 'test', USUAL), 4)}.",
        f"{len(axes)} panels of risk-coverage curves, one per student, by max probability and by normalised logits, that of "
        f"{results.reference} dashed behind.",
        figure,
    )


def _risk(scores: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """Per cent wrong at the coverages of GRID."""
    return 100 * np.interp(GRID, *risk_coverage(scores, missed))


def _orders(study: Study) -> dict[tuple[str, int], float | None]:
    """The norm that validation chose, by student and run; None for max probability."""
    numbers = study.numbers
    chosen = numbers[(numbers["metric"] == "norm_order") & (numbers["score"] == NORMALISED) & (numbers["kind"] == "run")]
    return {(row.student, row.seed): None if np.isnan(row.value) else row.value for row in chosen.itertuples()}
