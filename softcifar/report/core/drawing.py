"""How the figures look: panels on a grid measured in inches, legible in greyscale, the same bytes every time."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from softcifar.report.core.svg import slim

INK, DARK, ACCENT, GREY, FAINT = "#1a1a1a", "#1f4e79", "#d1700f", "#8a8a8a", "#dcdcdc"
MAIN = {"color": DARK, "linewidth": 1.6}  # a student's own curve
SECOND = {"color": ACCENT, "linewidth": 1.4, "linestyle": (0, (1, 1))}  # its second curve: dotted and lighter
BEHIND = {"color": GREY, "linewidth": 1.1, "linestyle": (0, (4, 2)), "zorder": 1}  # the reference student
HAIR = {"color": GREY, "linewidth": 0.6}  # a diagonal: chance, equality

RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that the bytes do not depend on a machine's fonts
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "softcifar",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

PIXELS = 96  # CSS pixels per inch
LEFT, RIGHT, TOP, BOTTOM = 0.62, 0.12, 0.62, 0.52  # inches around a grid; the legend lies in TOP
GAP_X, GAP_Y = 0.2, 0.36  # inches between panels
LEGEND_LINE = 0.17  # inches


@dataclass(frozen=True)
class Picture:
    """The bytes of an SVG or PNG, and its size in CSS pixels."""

    content: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Drawing:
    """A figure with its words. raster: many points or images, so PNG; else SVG. finding may be "". narrow: it on a phone.

    pictures: by file name, once it is `printed`, the narrow one last.
    """

    name: str
    title: str
    reading: str
    finding: str
    described: str  # what is drawn, for those who cannot see it; the finding follows it
    figure: Figure | None
    raster: bool = False
    narrow: Figure | None = None
    pictures: Mapping[str, Picture] = field(default_factory=dict)

    def printed(self) -> "Drawing":
        """It with pictures in the place of its figures: to make them is the work that processes share."""
        figures = {f"{self.name}.{'png' if self.raster else 'svg'}": self.figure, f"{self.name}_narrow.svg": self.narrow}
        pictures = {
            name: Picture(image_bytes(name, each), round(each.get_figwidth() * PIXELS), round(each.get_figheight() * PIXELS))
            for name, each in figures.items()
            if each is not None
        }
        return replace(self, figure=None, narrow=None, pictures=pictures)


class Grid:
    """A figure of columns and rows measured in inches, so that a figure of twenty students is longer, not smaller."""

    def __init__(
        self,
        widths: Sequence[float],
        heights: Sequence[float],
        *,
        left: float = LEFT,
        right: float = RIGHT,
        top: float = TOP,
        bottom: float = BOTTOM,
        gap_x: float = GAP_X,
        gap_y: float = GAP_Y,
    ) -> None:
        self.widths, self.heights = list(widths), list(heights)
        self.lefts = [left + sum(self.widths[:place]) + place * gap_x for place in range(len(self.widths))]
        self.tops = [top + sum(self.heights[:place]) + place * gap_y for place in range(len(self.heights))]
        self.width = self.lefts[-1] + self.widths[-1] + right
        self.height = self.tops[-1] + self.heights[-1] + bottom
        self.figure = Figure(figsize=(self.width, self.height))

    def axes(self, row: int, column: int, *, size: tuple[float, float] | None = None, **shared: Any) -> Axes:
        """A panel in a cell of the grid, of this size from its upper left corner (or filling it)."""
        width, height = size or (self.widths[column], self.heights[row])
        bottom = self.height - self.tops[row] - height
        box = (self.lefts[column] / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, **shared)

    def text(self, x: float, y: float, words: str, **style: Any) -> None:
        """Words at so many inches from the left and from the top."""
        self.figure.text(x / self.width, 1 - y / self.height, words, **({"fontsize": 9} | style))


def panels(
    names: list[str], *, xlabel: str = "", ylabel: str = "", width: float = 2.0, height: float = 1.6
) -> tuple[Figure, dict[str, Axes]]:
    """A titled panel per name, four or five to a row, on shared axes; tick labels only where nothing lies between.

    width, height: of a panel in inches. Call within `mpl.rc_context(RC)`, as softcifar.report.write does.
    """
    columns = 5 if len(names) > 12 else min(4, max(len(names), 2))
    grid = Grid([width] * columns, [height] * math.ceil(len(names) / columns))
    axes: dict[str, Axes] = {}
    first = None
    for place, name in enumerate(names):
        row, column = divmod(place, columns)
        ax = axes[name] = grid.axes(row, column, sharex=first, sharey=first)
        first = first or ax
        ax.set_title(shorten(name))
        ruled(ax)
        ax.tick_params(labelbottom=place + columns >= len(names), labelleft=column == 0)
    grid.text((LEFT + grid.width - RIGHT) / 2, grid.height - 0.1, xlabel, ha="center", va="bottom")
    grid.text(0.08, (TOP + grid.height - BOTTOM) / 2, ylabel, ha="left", va="center", rotation=90)
    return grid.figure, axes


def named_rows(names: list[str], count: int, *, width: float, row: float, gap: float, top: float, bottom: float) -> tuple:
    """(grid, panels): so many panels side by side, four at most, each with a row per name; names at the left ones alone."""
    across = count if count <= 4 else 3 if count % 4 == 1 else 4  # no lonely last one
    left = 0.25 + 0.068 * max(len(shorten(name)) for name in names)
    heights = [row * (len(names) + 0.6)] * math.ceil(count / across)
    grid = Grid([width] * across, heights, left=left, right=0.15, top=top, bottom=bottom, gap_x=gap, gap_y=0.72)
    axes = []
    for place in range(count):
        ax = grid.axes(*divmod(place, across))
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_yticks(range(len(names)), [shorten(name) for name in names] if place % across == 0 else [])
        ruled(ax, "x")
        ax.tick_params(axis="y", length=0)
        axes.append(ax)
    return grid, axes


def ruled(ax: Axes, axis: str = "both") -> None:
    """Pale lines behind the curves, short ticks."""
    ax.grid(True, axis=axis, color="#eeeeee", linewidth=0.6, zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(length=2.5)


def bare(ax: Axes) -> None:
    """No frame, no ticks."""
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def unit_axis(ax: Axes, which: str, high: float = 1.0) -> None:
    """An axis of proportions, ticks at 0, .5 and 1."""
    getattr(ax, f"set_{which}lim")(0, high)
    getattr(ax, f"set_{which}ticks")([0, 0.5, 1], ["0", ".5", "1"])


def legend(figure: Figure, entries: Mapping[str, dict], *, left: float = LEFT) -> None:
    """One legend above all panels, `left` inches from the edge: {words: Line2D properties}; drawn last.

    Entries that have no room in one line take more, for which the figure grows at its top.
    """
    room, listed, lines = figure.get_figwidth() - left, list(entries.items()), 1
    drawn = _legend(figure, listed, left, len(listed))
    for across in range(len(listed) - 1, 0, -1):
        if _inches(figure, drawn) <= room:
            return
        drawn.remove()
        needed = math.ceil(len(listed) / across)
        _grow(figure, LEGEND_LINE * (needed - lines))
        lines = needed
        by_column = [each for first in range(across) for each in listed[first::across]]  # matplotlib fills columns first
        drawn = _legend(figure, by_column, left, across)


def _legend(figure: Figure, entries: list[tuple[str, dict]], left: float, across: int) -> Legend:
    handles = [Line2D([], [], **style) for _, style in entries]
    return figure.legend(
        handles,
        [words for words, _ in entries],
        loc="upper left",
        ncols=across,
        bbox_to_anchor=(left / figure.get_figwidth(), 1 - 0.06 / figure.get_figheight()),
        borderaxespad=0,
        borderpad=0,
        handlelength=2.6,
        columnspacing=1.8,
        fontsize=8.5,
    )


def _inches(figure: Figure, drawn: Legend) -> float:
    """How wide it is."""
    return drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width / figure.dpi


def _grow(figure: Figure, inches: float) -> None:
    """Room at the top; everything keeps its distance from the bottom."""
    before = figure.get_figheight()
    figure.set_figheight(before + inches)
    share = before / (before + inches)
    for ax in figure.axes:
        box = ax.get_position()
        ax.set_position((box.x0, box.y0 * share, box.width, box.height * share))
    for text in figure.texts:
        text.set_y(text.get_position()[1] * share)


def band(ax: Axes, x: pd.Series, y: pd.Series, **style: Any) -> None:
    """A line through the means of y at each x, and a band from the lowest to the highest, the runs' spread."""
    grouped = y.groupby(x)
    ax.plot(grouped.mean().index, grouped.mean(), **style)
    ax.fill_between(grouped.min().index, grouped.min(), grouped.max(), color=style["color"], alpha=0.18, linewidth=0)


def dot(values: Sequence) -> dict[str, Any]:
    """A marker for a curve of a single point, whose line nobody would see; nothing for longer ones."""
    return {"marker": "o", "markersize": 3.5} if len(values) == 1 else {}


def note(ax: Axes, text: str, corner: str = "lower right") -> None:
    """A small text in a corner of a panel, on a white ground so that curves do not cross it."""
    y, x = corner.split()
    at = {"left": 0.04, "right": 0.97, "lower": 0.06, "upper": 0.96}
    ground = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
    va = "bottom" if y == "lower" else "top"
    ax.text(at[x], at[y], text, transform=ax.transAxes, ha=x, va=va, fontsize=8, bbox=ground, linespacing=1.35)


def heat_map(ax: Axes, values: np.ndarray, texts: Mapping[tuple[int, int], tuple[str, bool]], cmap: str | Colormap, *,
             size: float = 6.5, **scale: Any) -> None:  # fmt: skip
    """Values (rows, columns) as colours, with a text in every cell: {(row, column): (text, is its ground dark?)}."""
    ax.imshow(values, cmap=cmap, aspect="auto", **scale)
    for (row, column), (text, dark) in texts.items():
        colour = "white" if dark else INK
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color=colour, linespacing=1.25)


def no_zero(value: float, _: int = 0) -> str:
    """A tick label without a zero before the point, with a true minus sign."""
    return f"{value:g}".replace("-", "−").replace("0.", ".", 1) if abs(value) < 1 else f"{value:g}".replace("-", "−")


def spread_of(values: Mapping[str, float], digits: int = 3, scale: float = 1, unit: str = "") -> str:
    """The lowest and the highest with their names: "between .10 (a) and .20 (b)"."""
    low, high = min(values, key=values.get), max(values, key=values.get)
    return f"between {scale * values[low]:.{digits}f}{unit} ({low}) and {scale * values[high]:.{digits}f}{unit} ({high})"


def shorten(text: str, length: int = 26) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def image_bytes(name: str, figure: Figure) -> bytes:
    """The picture as the SVG or PNG that its file's name asks for, with no date and no version in it."""
    buffer = io.BytesIO()
    with mpl.rc_context(RC):
        if name.endswith(".png"):
            figure.savefig(buffer, format="png", dpi=160, metadata={"Software": None})
        else:
            empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            figure.savefig(buffer, format="svg", metadata=empty)
            return slim(buffer.getvalue())
    return buffer.getvalue()
