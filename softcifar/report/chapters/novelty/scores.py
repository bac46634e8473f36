"""Histograms and ROC curves of novelty scores: entropy of every student, then every other score."""

import numpy as np
from matplotlib.axes import Axes

from softcifar.report.core.columns import HEADLINE_SCORE, plain
from softcifar.report.core.drawing import ACCENT, BEHIND, DARK, FAINT, HAIR, Drawing, legend, note, panels, spread_of, unit_axis
from softcifar.report.core.kinds import score_titles
from softcifar.report.core.predictions import Prediction, runs
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study

LINES = {
    "near": {"color": ACCENT, "linewidth": 1.5, "linestyle": "-"},
    "far": {"color": DARK, "linewidth": 1.5, "linestyle": (0, (3, 1))},
}
# In interquartile ranges of the test images' scores; what lies outside stands in the first and last bins.
EDGES = np.linspace(-3.0, 9.0, 31)
GRID = np.linspace(0, 1, 101)  # false positive rates at which the curves of sets and runs are averaged
WHICH = (
    "A panel per student, by predictive entropy; then one per further score, of the first student that has it, the reference "
    "before all others."
)


def score_panels(study: Study) -> dict[str, tuple[str, str]]:
    """{panel's title: (score, student)}: every student by entropy, then each other score, of the reference where it has it."""
    shown = {name: (HEADLINE_SCORE, name) for name in study.students}
    known, titles = {HEADLINE_SCORE}, score_titles(study.results)
    for name in sorted(study.students, key=lambda name: name != study.reference):
        for score in runs(study.predictions[name])[0].novelty:
            if score not in known:
                known.add(score)
                title = titles.get(score, score).split(" (")[0].replace("information", "inf.")
                shown[f"{title}: {name}"] = (score, name)
    return shown


def histograms(study: Study) -> Drawing | None:
    results, kinds = study.results, study.results.ood_kinds
    if not kinds:
        return None
    shown = score_panels(study)
    xlabel = "score, 0: median of the test images, 1: their interquartile range"
    figure, axes = panels(list(shown), xlabel=xlabel, ylabel="share of images")
    for title, (score, student) in shown.items():
        ax = axes[title]
        pooled = [_standardised(run, score) for run in runs(study.predictions[student])]
        known = shares([values["test"] for values in pooled])
        ax.stairs(known, EDGES, fill=True, facecolor=FAINT, edgecolor="#777777", linewidth=0.7)
        for kind in kinds:
            parts = [values[ood] for values in pooled for ood in results.ood_sets(kind)]
            ax.stairs(shares(parts), EDGES, **LINES[kind])
        _note(ax, study, "auroc", "AUROC", score, student, 3, "upper right")
    ax.set(xlim=(EDGES[0], EDGES[-1]), ylim=(0, 0.5))
    legend(figure, {"test images": {"color": "#b5b5b5", "linewidth": 6}} | _set_lines(results))
    means = {kind: study.mean("auroc", kind, HEADLINE_SCORE) for kind in kinds}
    return Drawing(
        "novelty_scores",
        "Novelty scores",
        f"The distribution of a score on test images (filled) and on novel ones (lines), runs pooled, every set with the same "
        f"weight. {WHICH} All stand on one scale: 0 is the median of the test images, 1 their interquartile range; the first "
        "and last bins hold all that lies beyond them, and bars above one half are cut. The farther the lines lie to the right "
        "of the filled shape, the better. AUROC: the chance that a novel image scores above a test image.",
        " ".join(f"Mean AUROC of entropy on {kind} sets lies {spread_of(means[kind])}." for kind in kinds),
        f"{len(axes)} histograms, one per student and novelty score: test images as a filled shape, {' and '.join(kinds)} OOD "
        "images as lines.",
        figure,
    )


def rocs(study: Study) -> Drawing | None:
    results, kinds = study.results, study.results.ood_kinds
    if not kinds:
        return None
    shown = score_panels(study)
    figure, axes = panels(
        list(shown), xlabel="false alarms: share of test images flagged", ylabel="novel images found", height=1.75
    )
    curves = {
        (title, kind): np.mean(
            [curve(run, ood, score) for run in runs(study.predictions[student]) for ood in results.ood_sets(kind)], axis=0
        )
        for title, (score, student) in shown.items()
        for kind in kinds
    }
    for title, (score, student) in shown.items():
        ax = axes[title]
        ax.plot([0, 1], [0, 1], **HAIR, zorder=0.8)
        for kind in kinds:
            ax.plot(GRID, curves[results.reference, kind], **BEHIND)
            ax.plot(GRID, curves[title, kind], **LINES[kind])
        _note(ax, study, "fpr95", "FPR95", score, student, 2, "lower right")
    unit_axis(ax, "x")
    unit_axis(ax, "y", 1.02)
    legend(figure, _set_lines(results) | {f"{results.reference}, entropy": BEHIND, "chance": HAIR})
    means = {kind: study.mean("fpr95", kind, HEADLINE_SCORE) for kind in kinds}
    best = {kind: min(means[kind], key=means[kind].get) for kind in kinds}
    return Drawing(
        "roc",
        "ROC of novelty detection",
        f"Every threshold on a score trades false alarms (across) for novel images found (up); the closer to the upper left "
        f"corner the better. {WHICH} Curves are means over runs and sets. FPR95: false alarms at the threshold that finds 95 % "
        "of the novel images.",
        " ".join(
            f"Lowest mean FPR95 of entropy on {kind} sets: {best[kind]} ({means[kind][best[kind]]:.2f})." for kind in kinds
        ),
        f"{len(axes)} panels of ROC curves, one per student and novelty score, for {' and '.join(kinds)} sets, those of "
        f"{results.reference} by entropy dashed behind.",
        figure,
    )


def curve(run: Prediction, ood: str, score: str) -> np.ndarray:
    """Share of the set found by the score at each false positive rate of GRID (a step function, ties counted as flagged)."""
    known, novel = (np.sort(run.novelty[score][name]) for name in ("test", ood))
    thresholds = np.unique(np.concatenate([known, novel]))
    false_alarms, caught = (1 - np.searchsorted(each, thresholds, side="left") / len(each) for each in (known, novel))
    return np.interp(GRID, np.append(false_alarms, 0.0)[::-1], np.append(caught, 0.0)[::-1])


def shares(parts: list[np.ndarray]) -> np.ndarray:
    """Mean over the parts of their share of images per bin, so that a large set does not outweigh a small one."""
    inside = [np.clip(part, EDGES[0], EDGES[-1]) for part in parts]
    return np.mean([np.histogram(part, EDGES)[0] / len(part) for part in inside], axis=0)


def _standardised(run: Prediction, score: str) -> dict[str, np.ndarray]:
    values = run.novelty[score]
    quarter, middle, three = np.percentile(values["test"], [25, 50, 75])
    width = max(three - quarter, np.finfo(float).tiny)
    return {name: (each - middle) / width for name, each in values.items()}


def _set_lines(results: Results) -> dict[str, dict]:
    """Legend entries: {"near: unseen": how its line is drawn, ...}."""
    return {f"{kind}: {', '.join(results.ood_sets(kind))}": LINES[kind] for kind in results.ood_kinds}


def _note(ax: Axes, study: Study, metric: str, title: str, score: str, student: str, digits: int, corner: str) -> None:
    """The means of a metric, near and far sets apart."""
    means = {kind: study.mean(metric, kind, score)[student] for kind in study.results.ood_kinds}
    note(ax, "\n".join([title, *(f"{kind} {plain(value, digits)}" for kind, value in means.items())]), corner)
