"""Histograms of entropy and of feature density for clean, ambiguous and novel images (after Mukhoti et al. 2023, figure 1)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from softcifar.report.chapters.ambiguity.separation import AMBIGUOUS_CLEAN, NOVEL_AMBIGUOUS
from softcifar.report.core.columns import HEADLINE_SCORE, plain
from softcifar.report.core.drawing import (
    ACCENT,
    DARK,
    FAINT,
    LEFT,
    Drawing,
    Grid,
    legend,
    no_zero,
    note,
    ruled,
    shorten,
    spread_of,
)
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study

DENSITY = "ddu"
COLUMNS = {  # title -> score, kind of model
    "entropy": (HEADLINE_SCORE, "run"),
    "entropy of ensembles": (HEADLINE_SCORE, "ensemble"),
    "density (DDU)": (DENSITY, "run"),
}
BINS = 30
SPAN = (-3.0, 12.0)  # of a density, in interquartile ranges of the clean images' scores; what lies outside is in the end bins
TALLEST = 0.75  # share of images at which a bar is cut
AMBIGUOUS = {"color": ACCENT, "linewidth": 1.5}
NOVEL = {"color": DARK, "linewidth": 1.5, "linestyle": (0, (3, 1))}
WIDTH, HEIGHT = 2.45, 1.3  # inches of a panel


def draw(study: Study) -> Drawing | None:
    results = study.results
    if results.made_ambiguous() is None or not results.ood:
        return None
    kinds = {prediction.kind for each in study.predictions.values() for prediction in each}
    shown = {title: column for title, column in COLUMNS.items() if column[1] in kinds}
    return Drawing(
        "ambiguity_histograms",
        "Clean, ambiguous and novel images",
        "The distribution of scores on clean test images (filled), on ambiguous ones (orange) and on novel ones (dashed blue), "
        "a row per student, runs pooled. Entropy in nats; a density on a scale of its own in every run, where 0 is the median "
        "of the clean images and 1 their interquartile range. What lies beyond a panel stands in its end bins, and bars above "
        "three quarters are cut. A score that shows ambiguity has the orange line to the right of the filled shape; one that "
        "shows novelty has the dashed line to the right of the other two.",
        _finding(study),
        f"{len(shown) * len(study.students)} histograms, a row per student, for {', '.join(shown)}: clean test images as a "
        "filled shape, ambiguous and novel images as lines.",
        _figure(study, shown, across=len(shown)),
        narrow=_figure(study, shown, across=1),
    )


def _figure(study: Study, shown: dict[str, tuple[str, str]], *, across: int) -> Figure:
    """A row per student with all its panels, or all below each other."""
    panels = [(student, title) for student in study.students for title in shown]
    grid = Grid([WIDTH] * across, [HEIGHT] * (len(panels) // across), gap_y=0.52, gap_x=0.3)
    for place, (student, title) in enumerate(panels):
        ax = grid.axes(*divmod(place, across))
        ax.set_title(f"{shorten(student, 20)}: {title}")
        ruled(ax)
        _panel(ax, study, student, *shown[title])
    grid.text(0.08, grid.height / 2, "share of images", ha="left", va="center", rotation=90)
    grid.text(grid.width / 2, grid.height - 0.1, "score: the farther right, the less certain", ha="center", va="bottom")
    entries = {"clean": {"color": "#b5b5b5", "linewidth": 6}, "ambiguous": AMBIGUOUS, "novel": NOVEL}
    legend(grid.figure, entries, left=0.1 if across == 1 else LEFT)
    return grid.figure


def _panel(ax: Axes, study: Study, student: str, score: str, kind: str) -> None:
    results = study.results
    edges = np.linspace(0, np.log(len(results.classes)), BINS + 1) if score == HEADLINE_SCORE else np.linspace(*SPAN, BINS + 1)
    pooled = _pooled(study, student, score, kind)
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, TALLEST), yticks=[0, 0.25, 0.5])
    ax.xaxis.set_major_formatter(no_zero)
    ax.yaxis.set_major_formatter(no_zero)
    if not pooled:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", va="center")
        return
    shares = {part: np.mean([_shares(values[part], edges) for values in pooled], axis=0) for part in pooled[0]}
    ax.stairs(shares["clean"], edges, fill=True, facecolor=FAINT, edgecolor="#777777", linewidth=0.7)
    ax.stairs(shares["ambiguous"], edges, **AMBIGUOUS)
    ax.stairs(shares["novel"], edges, **NOVEL)
    numbers = study.numbers
    of = numbers[(numbers["student"] == student) & (numbers["kind"] == kind) & (numbers["score"] == score)]
    near = plain(of[of["metric"] == AMBIGUOUS_CLEAN]["value"].mean(), 2)
    novel = plain(_over_sets(results, of[of["metric"] == NOVEL_AMBIGUOUS]).mean(), 2)
    note(ax, f"AUROC\nambig., clean {near}\nnovel, ambig. {novel}", "upper right")


def _pooled(study: Study, student: str, score: str, kind: str) -> list[dict[str, np.ndarray]]:
    """Per run or ensemble the scores of clean, ambiguous and novel images (all sets); of a density by the clean ones' scale."""
    found = []
    for prediction in study.predictions[student]:
        if prediction.kind == kind and score in prediction.novelty:
            values, made = prediction.novelty[score], study.results.made_ambiguous(prediction.split)
            parts = {"clean": values["test"][~made], "ambiguous": values["test"][made]}
            parts["novel"] = np.concatenate([values[name] for name in study.results.ood])
            if score != HEADLINE_SCORE:
                quarter, middle, three = np.percentile(parts["clean"], [25, 50, 75])
                width = max(three - quarter, np.finfo(float).tiny)
                parts = {part: (each - middle) / width for part, each in parts.items()}
            found.append(parts)
    return found


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)


def _over_sets(results: Results, of: pd.DataFrame) -> pd.Series:
    """Means over the sets of novel images, by run."""
    return of[of["set"].isin(list(results.ood))].groupby("seed")["value"].mean()


def _finding(study: Study) -> str:
    """Mean AUROC of both scores at both tasks, lowest and highest of the students."""
    numbers, sentences = study.numbers[study.numbers["kind"] == "run"], []
    for task, metric in (
        ("Ambiguous against clean images", AMBIGUOUS_CLEAN),
        ("Novel against ambiguous images", NOVEL_AMBIGUOUS),
    ):
        parts = []
        for title, score in (("entropy", HEADLINE_SCORE), ("density", DENSITY)):
            of = numbers[(numbers["metric"] == metric) & (numbers["score"] == score)]
            means = {
                student: (each["value"] if metric == AMBIGUOUS_CLEAN else _over_sets(study.results, each)).mean()
                for student, each in of.groupby("student", sort=False)
            }
            parts.append(f"{title} {spread_of(means)}")
        sentences.append(f"{task}, mean AUROC: {', '.join(parts)}.")
    return " ".join(sentences)
