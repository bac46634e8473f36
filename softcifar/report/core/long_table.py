"""Every number of the report in one long table: a row per student, run or ensemble, metric, set and score."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.side_by_side import side_by_side

COLUMNS = ["student", "kind", "seed", "metric", "set", "score", "value"]
Row = tuple[str, str, str, float]  # metric, set, score, value
Rows = Callable[[Results, Prediction], list[Row]]  # what a chapter gives of one prediction


def long_table(results: Results, predictions: dict[str, list[Prediction]], givers: Iterable[Rows]) -> pd.DataFrame:
    """Columns student, kind (run | ensemble), seed, metric, set, score, value (float64).

    seed: of the run, or the number of the ensemble.
    A metric's name ends in `_scaled` after temperature scaling. set: "test", "human", "exact" or "people" (whose distribution
    a metric compares with), "shallow" (the network that was distilled from the student), an OOD set's name, or "near" / "far"
    for the mean over the sets of that kind. Under a shift, set is its name ("fog", "corruptions" for the mean over all, "crop")
    and score its level ("3", "0.5", "" for the mean over severities). score: the novelty score's name, or the strength of the
    attack ("2/255"); "" where there is neither. Of calibrators and prediction sets, set is what they are fitted to ("labels",
    "votes", "one vote") and score their name.
    """
    givers = list(givers)

    def of_student(name: str) -> list[tuple]:
        return [
            (name, prediction.kind, prediction.seed, *row)
            for prediction in predictions[name]
            for give in givers
            for row in give(results, prediction)
        ]

    return typed(row for rows in side_by_side(of_student, predictions) for row in rows)


def typed(rows: Iterable[tuple]) -> pd.DataFrame:
    """Rows as the long table. Its metrics are a category: to select by them is most of what the report does with it, and by
    text it takes ten times as long."""
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64", "metric": "category", "value": np.float64})
