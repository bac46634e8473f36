"""What every figure and the page draw from: the results, the predictions, all numbers and all tables."""

from dataclasses import dataclass

import pandas as pd

from softcifar.report.claims.claim import Finding
from softcifar.report.columns import Column
from softcifar.report.predictions import Prediction
from softcifar.report.scores import Results
from softcifar.report.tables import Table


@dataclass(frozen=True)
class Context:
    """numbers: the long table of `summary.long_table`; tables: {name: Table}; findings: rows of the claims table."""

    results: Results
    predictions: dict[str, list[Prediction]]
    numbers: pd.DataFrame
    tables: dict[str, Table]
    findings: list[Finding]

    def means(self, column: Column) -> dict[str, float]:
        """{student: mean over its runs}, students without a value left out."""
        chosen = column.select(self.numbers[self.numbers["kind"] == "run"]).dropna(subset="value")
        return {str(name): float(value) for name, value in chosen.groupby("student", sort=False)["value"].mean().items()}

    def mean(self, metric: str, set: str = "test", score: str = "") -> dict[str, float]:
        """The same for a metric by its name in the long table."""
        return self.means(Column("", "", "", metric, set, score))
