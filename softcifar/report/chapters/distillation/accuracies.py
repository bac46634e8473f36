"""Teachers and the shallow networks distilled from them: accuracy and NLL of both, student by student."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from softcifar.report.chapters.distillation.shallow import COLUMNS, SHALLOW
from softcifar.report.core.columns import Column
from softcifar.report.core.comparisons import by_run
from softcifar.report.core.drawing import DARK, FAINT, GREY, Drawing, legend, named_rows
from softcifar.report.core.study import Study

TAUGHT = {"color": DARK, "marker": "o", "markersize": 5.5, "linestyle": "none", "zorder": 4}
OWN = TAUGHT | {"markerfacecolor": "white", "markeredgewidth": 1.3}
RUN = {"color": GREY, "marker": "|", "markersize": 7, "linestyle": "none", "zorder": 3}


def draw(study: Study) -> Drawing | None:
    names = list(study.results.shallow)
    if not names:
        return None
    columns = {column.key: column for column in COLUMNS}
    panels = [
        ("Accuracy", "test accuracy, %", columns["own_accuracy"], columns["shallow_accuracy"]),
        ("NLL", "test NLL, nats", Column("nll", "NLL", "", "nll"), columns["shallow_nll"]),
    ]
    grid, axes = named_rows(names, len(panels), width=3.3, row=0.24, gap=0.35, top=0.72, bottom=0.5)
    for (title, xlabel, own, taught), ax in zip(panels, axes, strict=True):
        own_values, values = (by_run(study.numbers, column) * column.scale for column in (own, taught))
        for row, name in enumerate(names):
            runs, mean, teacher = values[name].dropna(), values[name].mean(), own_values[name].mean()
            ax.plot([teacher, mean], [row, row], color=FAINT, linewidth=2, zorder=1)
            ax.plot(runs, np.full(len(runs), row), **RUN)
            ax.plot(teacher, row, **OWN)
            ax.plot(mean, row, **TAUGHT)
        ax.set_title(title)
        ax.set_xlabel(xlabel, fontsize=8.5, labelpad=2)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    entries = {"shallow network, mean": TAUGHT, "single runs": RUN, "its teacher, mean": OWN}
    legend(grid.figure, entries, left=grid.lefts[0])
    reached, teachers = study.mean("accuracy", SHALLOW), {name: study.mean("accuracy")[name] for name in names}
    best, strongest = max(reached, key=reached.get), max(teachers, key=teachers.get)
    low, high = 100 * min(reached.values()), 100 * reached[best]
    also = "is also" if best == strongest else f"({100 * teachers[strongest]:.1f} %) is not"
    return Drawing(
        "distillation",
        "Teachers and the networks distilled from them",
        "A row per teacher: hollow, what it reaches itself; filled, what the shallow network distilled from it reaches.",
        f"The shallow network reaches {low:.1f} to {high:.1f} % accuracy, most with {best} as its teacher. The most accurate "
        f"teacher, {strongest}, {also} the one from which it learned most, by the means.",
        "Two panels, accuracy and NLL, with a row per teacher: its own value and that of the network distilled from it.",
        grid.figure,
    )
