"""Teachers and the shallow networks they taught: accuracy and NLL of both, student by student."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from softcifar.report.columns import Column, teaching
from softcifar.report.comparisons import by_run
from softcifar.report.context import Context
from softcifar.report.figures.style import DARK, FAINT, GREY, Drawing, legend, shorten
from softcifar.report.teaching import SHALLOW

WIDTH, ROW, GAP, TOP, BOTTOM = 3.3, 0.24, 0.35, 0.72, 0.5  # inches
TAUGHT = {"color": DARK, "marker": "o", "markersize": 5.5, "linestyle": "none", "zorder": 4}
OWN = TAUGHT | {"markerfacecolor": "white", "markeredgewidth": 1.3}
RUN = {"color": GREY, "marker": "|", "markersize": 7, "linestyle": "none", "zorder": 3}


def draw(context: Context) -> Drawing | None:
    results = context.results
    if not results.shallow:
        return None
    columns = {column.key: column for column in teaching()}
    names = list(results.shallow)
    pairs = [
        (columns["own_accuracy"], columns["shallow_accuracy"]),
        (Column("nll", "NLL", "", "nll"), columns["shallow_nll"]),
    ]
    left = 0.25 + 0.068 * max(len(shorten(name)) for name in names)
    height = ROW * (len(names) + 0.6)
    full_width, full_height = left + 0.15 + 2 * WIDTH + GAP, TOP + BOTTOM + height
    figure = Figure(figsize=(full_width, full_height))
    for place, (own, taught) in enumerate(pairs):
        x = left + place * (WIDTH + GAP)
        ax = figure.add_axes((x / full_width, BOTTOM / full_height, WIDTH / full_width, height / full_height))
        own_values, values = (by_run(context.numbers, column) * column.scale for column in (own, taught))
        for row, name in enumerate(names):
            runs, mean, teacher = values[name].dropna(), values[name].mean(), own_values[name].mean()
            ax.plot([teacher, mean], [row, row], color=FAINT, linewidth=2, zorder=1)
            ax.plot(runs, np.full(len(runs), row), **RUN)
            ax.plot(teacher, row, **OWN)
            ax.plot(mean, row, **TAUGHT)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_yticks(range(len(names)), [shorten(name) for name in names] if place == 0 else [])
        ax.set_title("Accuracy" if place == 0 else "NLL")
        ax.set_xlabel("test accuracy, %" if place == 0 else "test NLL, nats", fontsize=8.5, labelpad=2)
        ax.grid(True, axis="x", color="#eeeeee", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(length=2.5)
        ax.tick_params(axis="y", length=0)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    entries = {"shallow network, mean": TAUGHT, "single runs": RUN, "its teacher, mean": OWN}
    legend(figure, entries, left=left)
    found = context.mean("accuracy", SHALLOW)
    teachers = {name: context.mean("accuracy")[name] for name in names}
    best, strongest = max(found, key=found.get), max(teachers, key=teachers.get)
    low, high = 100 * min(found.values()), 100 * found[best]
    also = "is also" if best == strongest else f"({100 * teachers[strongest]:.1f} %) is not"
    finding = (
        f"The shallow network reaches {low:.1f} to {high:.1f} % accuracy, most if {best} taught it. The most accurate teacher, "
        f"{strongest}, {also} the one from which it learned most, by the means."
    )
    return Drawing(
        "teaching",
        "Teachers and taught",
        "A row per teacher: hollow, what it reaches itself; filled, what the shallow network that it taught reaches.",
        finding,
        f"Two panels, accuracy and NLL, with a row per teaching student: its own value and that of the shallow network that "
        f"it taught. {finding}",
        figure,
    )
