"""AUROC of every score of every student, a grid per set of novel images: who notices what, and by which score."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, DARK, INK, Drawing, Grid, bare, heat_map, shorten
from softcifar.report.core.kinds import score_titles
from softcifar.report.core.study import Study

CELL, LINE = 0.345, 0.2  # inches: width of a cell, height of a row
ACROSS, WIDEST = 3, 12.5  # grids side by side at most, and inches of them together
COLOURS = LinearSegmentedColormap.from_list("auroc", [ACCENT, "#ffffff", DARK])  # .5, chance, is white


def draw(study: Study) -> Drawing | None:
    results = study.results
    sets, students, titles = list(results.ood), study.students, score_titles(study.results)
    if not sets:
        return None
    auroc = study.numbers[(study.numbers["metric"] == "auroc") & (study.numbers["kind"] == "run")]
    means = auroc.groupby(["set", "student", "score"])["value"].mean()
    scores = list(dict.fromkeys(auroc["score"]))
    columns = min(ACROSS, len(sets), max(1, int(WIDEST / (CELL * len(scores)))))
    heights = [LINE * len(students)] * math.ceil(len(sets) / columns)
    grid = Grid([CELL * len(scores)] * columns, heights, left=1.25, right=0.75, top=0.95, bottom=0.32, gap_x=0.15, gap_y=1.27)
    for place, name in enumerate(sets):
        row, column = divmod(place, columns)
        ax = grid.axes(row, column)
        _panel(ax, means[name].unstack("score").reindex(index=students, columns=scores).to_numpy())
        ax.set_xticks(range(len(scores)), [titles.get(score, score) for score in scores], rotation=45, ha="left")
        ax.set_yticks(range(len(students)), [shorten(student, 20) for student in students] if column == 0 else [])
        ax.set_xlabel(f"{name} ({results.params['data']['ood'][name]})", fontweight="bold", fontsize=9, labelpad=5)
        ax.xaxis.set_label_position("bottom")
    return Drawing(
        "novelty_grid",
        "Every score of every student",
        "Mean AUROC over runs, a grid per set of novel images, a row per student, a column per score; empty where a student "
        "has no such score. Blue: novel images score above test images. White: chance. Orange: below chance, "
        "novel images look more familiar than the test images. Framed: the best of the grid.",
        _finding(means, sets, titles),
        f"{len(sets)} grids of AUROC, students by scores, for {', '.join(sets)}.",
        grid.figure,
    )


def _panel(ax: Axes, values: np.ndarray) -> None:
    texts = {
        place: (plain(value, 2), abs(value - 0.5) > 0.33) for place, value in np.ndenumerate(values) if not np.isnan(value)
    }
    heat_map(ax, values, texts, COLOURS, vmin=0, vmax=1)
    best = np.unravel_index(np.nanargmax(values), values.shape)
    ax.add_patch(Rectangle((best[1] - 0.5, best[0] - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.4, clip_on=False))
    bare(ax)
    ax.xaxis.tick_top()
    ax.tick_params(labelsize=7.5)


def _finding(means: pd.Series, sets: list[str], titles: dict[str, str]) -> str:
    parts = []
    for name in sets:
        student, score = means[name].idxmax()
        parts.append(f"{name}: {titles.get(score, score)} of {student} ({plain(means[name].max())})")
    return f"Highest mean AUROC: {'; '.join(parts)}."
