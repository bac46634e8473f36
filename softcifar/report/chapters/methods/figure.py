"""Dots: what every method gains over the plain network beside it, in a panel per measure, and its costs in words."""

import numpy as np
from matplotlib.axes import Axes

from softcifar.report.chapters.methods.gains import Beside, gather, measures
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, DARK, HAIR, Drawing, bare, legend, named_rows, no_zero
from softcifar.report.core.study import Study

METHOD = {"color": DARK, "marker": "o", "markersize": 4, "linestyle": "none"}
ENSEMBLE = {"color": ACCENT, "marker": "D", "markersize": 4, "linestyle": "none"}
COSTS = {"passes": "passes", "parameters": "weights", "seen": "training"}


def draw(study: Study) -> Drawing | None:
    """None where no student has a method beside a plain one."""
    rows, listed = gather(study), measures(study.results)
    if not rows:
        return None
    grid, axes = named_rows([row.name for row in rows], len(listed) + 1, width=1.62, row=0.24, gap=0.22, top=0.72, bottom=0.42)
    _costs(axes[0], rows)
    for ax, measure in zip(axes[1:], listed, strict=True):
        ax.axvline(0, **HAIR)
        for place, row in enumerate(rows):
            if measure.title not in row.gains:
                continue
            gain, style = row.gains[measure.title], ENSEMBLE if row.ensemble else METHOD
            if not np.isnan(gain.low):
                ax.plot([gain.low, gain.high], [place, place], color=style["color"], linewidth=1.2)
            ax.plot([gain.mean], [place], **style)
        ax.set_title(measure.title)
        ax.xaxis.set_major_formatter(no_zero)
        ax.locator_params(axis="x", nbins=4)
    entries = {"a method, with its 95 % interval": METHOD}
    if any(row.ensemble for row in rows):
        entries["deep ensemble of the plain student's runs"] = ENSEMBLE
    legend(grid.figure, entries)
    return Drawing(
        "methods",
        "What methods gain over the plain network, and what they cost",
        "Right of the line: better than the single plain network that learned from the same labels; of NLL and ECE the gain is "
        "their fall. Costs: forward passes of one prediction, then trained weights and images seen in training as times the "
        "plain student's. A method of one pass and one network's weights costs what it replaces, but for what it stores beside "
        "(in the table).",
        "",
        f"A dot per student in panels of {', '.join(measure.title for measure in listed)}: gains of {len(rows)} rows over "
        "their plain students, and their costs as numbers.",
        grid.figure,
    )


def _costs(ax: Axes, rows: list[Beside]) -> None:
    """Three columns of numbers in the place of a panel."""
    bare(ax)
    ax.grid(False)
    ax.set(xlim=(0, 3), xticks=[])
    for column, (key, title) in enumerate(COSTS.items()):
        ax.text(column + 0.5, -0.75, title, ha="center", va="bottom", fontsize=7.5, color="#555555")
        for place, row in enumerate(rows):
            value = plain(row.costs[key], 1).removesuffix(".0")
            ax.text(column + 0.5, place, value if key == "passes" else f"× {value}", ha="center", va="center", fontsize=8)
