"""What every chapter draws from: the results, the predictions, all numbers and all tables."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pandas as pd

from softcifar.report.core.columns import Column
from softcifar.report.core.design import Design
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.tables import Table

T = TypeVar("T")


@dataclass(frozen=True)
class Study:
    """A finished study. results: of students (core.results.Results) or of simulations (chapters.simulations.results).

    numbers: the long table, in which a method of a simulation stands for a student and a data set for a run; design: of what
    its runs are draws; tables: by name, those of all chapters once they are built; made: what was computed once (see `once`).
    """

    results: Any
    predictions: dict[str, list[Prediction]]
    numbers: pd.DataFrame
    design: Design = field(default_factory=Design)
    tables: dict[str, Table] = field(default_factory=dict)
    made: dict[Callable, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def students(self) -> list[str]:
        return list(self.results.students)

    @property
    def reference(self) -> str:
        return self.results.reference

    @property
    def most_runs(self) -> int:
        """Of any student (or data sets of a method)."""
        return int(self.numbers.loc[self.numbers["kind"] == "run"].groupby("student")["seed"].nunique().max())

    def once(self, make: Callable[["Study"], T]) -> T:
        """make(study), computed once for all chapters that ask; make draws from results and numbers alone."""
        if make not in self.made:
            self.made[make] = make(self)
        return self.made[make]

    def with_tables(self, tables: dict[str, Table]) -> "Study":
        return replace(self, tables=tables)

    def means(self, column: Column) -> dict[str, float]:
        """{student: mean over its runs}, students without a value left out."""
        chosen = column.select(self.numbers)
        chosen = chosen[chosen["kind"] == "run"].dropna(subset="value")
        return {str(name): float(value) for name, value in chosen.groupby("student", sort=False)["value"].mean().items()}

    def mean(self, metric: str, set: str = "test", score: str = "") -> dict[str, float]:
        """The same for a metric by its name in the long table."""
        return self.means(Column("", "", "", metric, set, score))
