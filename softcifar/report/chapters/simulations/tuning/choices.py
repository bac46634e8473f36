"""What validation chose on every data set."""

from typing import Any

import numpy as np

from softcifar.report.chapters.tuning.searches import criterion
from softcifar.report.core.columns import Field
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.words import words


def table(study: Study) -> Table:
    """A row per simulation and method with a grid: what validation chose most often, and how often at the edge."""
    records = []
    for simulation in study.results.simulations.values():
        for method in simulation.methods:
            grid = simulation.grid(simulation.networks_of(method))
            if not grid[0]:
                continue
            choices = simulation.scores.loc[simulation.scores["method"] == method, "choice"]
            counts = choices.value_counts(sort=False).reindex(range(len(grid)), fill_value=0)
            most = int(counts.idxmax())
            records.append(
                {
                    "method": method,
                    "simulation": simulation.name,
                    "tried": "; ".join(f"{name} {words(sorted({one[name] for one in grid}))}" for name in grid[0]),
                    "chosen_by": simulation.options["choose_by"],
                    "most_chosen": " & ".join(f"{value:g}" for value in grid[most].values()),
                    "most_chosen_share": counts[most] / len(choices),
                    "at_ends": ", ".join(_at_ends(grid, name, counts.to_numpy()) for name in grid[0]),
                }
            )
    fields = [
        Field("method", "Method"),
        Field("simulation", "Simulation"),
        Field("tried", "Tried"),
        Field("chosen_by", "Chosen by", "the validation score that chose, for each data set anew", text=criterion),
        Field("most_chosen", "Most often chosen"),
        Field("most_chosen_share", "There %", "share of data sets on which that value was chosen", 0, 100),
        Field("at_ends", "At the ends %", "share of data sets on which an option's lowest or highest value was chosen, and, in "
              "brackets, the share of the grid that has such a value: what a choice by chance would give"),
    ]  # fmt: skip
    note = (
        f"Every method trains {study.results.params['seeds']['runs']} networks per data set, one per point of its grid, or as "
        "many from different initial weights where it has none, and validation chooses one: equal budgets."
    )
    return build("tuning", "Tuning", note, fields, records)


def _at_ends(grid: list[dict[str, Any]], option: str, counts: np.ndarray) -> str:
    """'p1 62 (50)': per cent of the choices, counts by point of the grid, and of the grid."""
    values = np.array([point[option] for point in grid])
    ends = (values == values.min()) | (values == values.max())
    return f"{option} {100 * counts[ends].sum() / counts.sum():.0f} ({100 * ends.mean():.0f})"
