"""Accuracy, NLL and agreement against votes per image."""

import numpy as np
from matplotlib.axes import Axes

from softcifar.report.chapters.votes.groups import HARD, HUMAN, KEPT, MAJORITY, Curve, Group, groups, measures
from softcifar.report.chapters.votes.worth import in_words, short
from softcifar.report.core.drawing import ACCENT, BEHIND, DARK, INK, Drawing, Grid, legend, no_zero, ruled
from softcifar.report.core.pairs import Measure
from softcifar.report.core.study import Study
from softcifar.report.core.words import counted

WIDTH, HEIGHT, GAP_X, GAP_Y = 2.75, 2.3, 0.72, 0.75  # inches
STYLES = {
    HUMAN: {"color": DARK, "marker": "o", "linestyle": "-"},
    MAJORITY: {"color": ACCENT, "marker": "s", "linestyle": (0, (4, 2))},
}
LINE = {"linewidth": 1.5, "markersize": 4.2, "markeredgecolor": "white", "markeredgewidth": 0.6}
LONE = {"color": INK, "marker": "D", "markersize": 5, "linestyle": "none", "markerfacecolor": "white"}
APART = 1.045  # factor between the places of two curves, so that their bars do not hide each other


def draw(study: Study) -> Drawing | None:
    """A row of panels per group of students, a panel per measure; None without curves."""
    listed = [group for group in groups(study.results) if group.curves]
    if not listed:
        return None
    asked = measures(study)
    grid = Grid([WIDTH] * len(asked), [HEIGHT] * len(listed), gap_x=GAP_X, gap_y=GAP_Y, top=0.7)
    for row, group in enumerate(listed):
        for column, measure in enumerate(asked):
            ax = grid.axes(row, column)
            _panel(ax, study, group, measure)
            ax.set_title(short(measure) + (f", like {group.name}" if group.name else ""), fontsize=8.5)
            ax.set_ylabel(measure.title.rpartition(", ")[2] if measure.metric != "accuracy" else "%", fontsize=8.5, labelpad=3)
            ax.set_xlabel("votes per image", fontsize=8.5, labelpad=2)
    drawn = {curve.source: curve.title for group in listed for curve in group.curves}
    entries = {title: STYLES[source] | LINE for source, title in drawn.items()}
    if any(KEPT in group.plain for group in listed):
        entries["all votes, labels kept"] = LONE
    if any(HARD in group.plain for group in listed):
        entries["the data set's labels"] = BEHIND
    legend(grid.figure, entries)
    runs = counted(study.results.params["seeds"]["runs"], "runs")
    return Drawing(
        "votes",
        "More and more votes per image",
        "Means over runs against the number of votes per image that the labels were made of, on a logarithmic axis; the last "
        "point of a curve has the most. A bar is the 95 % interval of the difference to that last point, paired by run, drawn "
        "around the mean: where it does not reach the pale line at the height of the last point, the two differ (single "
        "intervals, not corrected for how many there are).",
        next(iter(in_words(study).values()))[0],
        f"{len(asked) * len(listed)} panels, one per metric, with a curve of means over {runs} against votes per image for "
        "each kind of label, and a dashed line for the data set's labels.",
        grid.figure,
    )


def _panel(ax: Axes, study: Study, group: Group, measure: Measure) -> None:
    counts = sorted({count for curve in group.curves for count, _ in curve.points})
    ax.set_xscale("log")
    for place, curve in enumerate(group.curves):
        _curve(ax, study, curve, measure, APART ** (place - (len(group.curves) - 1) / 2))
    for source, style in ((KEPT, LONE), (HARD, BEHIND)):
        if source in group.plain:
            mean = float(measure.of(study.numbers, [group.plain[source]]).mean().iloc[0])
            if source == HARD:
                ax.axhline(mean, **style)
            else:
                ax.plot([max(counts)], [mean], **style, zorder=4)
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(no_zero)
    ax.set_xlim(min(counts) / 1.25, max(counts) * 1.25)
    ruled(ax)


def _curve(ax: Axes, study: Study, curve: Curve, measure: Measure, shift: float) -> None:
    values = curve.values(study, measure)
    means, last, style = values.mean(), curve.most, STYLES[curve.source]
    places = np.array(values.columns, dtype=float) * shift
    ax.axhline(means[last], color=style["color"], linewidth=0.7, alpha=0.45, zorder=0.9)
    ax.plot(places, means, **style | LINE, zorder=3)
    for place, count in zip(places[:-1], values.columns[:-1], strict=True):
        difference = values[count] - values[last]
        low, high = (means[count] + end - difference.mean() for end in study.design.shown(difference).interval())
        if np.isfinite(low):
            ax.plot([place, place], [low, high], color=style["color"], linewidth=1.1, alpha=0.8, zorder=2)
