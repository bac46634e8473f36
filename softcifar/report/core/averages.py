"""Numbers averaged over all students: where a table compares ways to use predictions, not students."""

from collections.abc import Callable, Collection, Iterable

import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import Column


def over_students(
    numbers: pd.DataFrame, wanted: Iterable[str], students: Collection[str]
) -> Callable[[Iterable[Column]], dict[str, float]]:
    """A function from columns, of metrics among those wanted, to their part of a record: {key: mean, key_se: standard error}.

    Each run's value is the mean over those of `students` that have one in every run, so that runs differ in nothing else; name
    each network once (see `kinds.distinct`). The error is over runs. A column without values is left out.
    """
    chosen = numbers[numbers["metric"].isin(set(wanted))].astype({"metric": str})
    chosen = chosen[(chosen["kind"] == "run") & chosen["student"].isin(set(students))].dropna(subset="value")
    place = ["metric", "set", "score"]
    runs = chosen.groupby(place, sort=False)["seed"].transform("nunique")
    chosen = chosen[chosen.groupby([*place, "student"], sort=False)["seed"].transform("nunique") == runs]
    means = chosen.groupby(["metric", "set", "score", "seed"], sort=False)["value"].mean()
    by_place = {place: each.to_numpy() for place, each in means.groupby(level=[0, 1, 2], sort=False)}

    def record(columns: Iterable[Column]) -> dict[str, float]:
        found: dict[str, float] = {}
        for column in columns:
            values = by_place.get((column.metric, column.set, column.score))
            if values is not None:
                mean, error = metrics.mean_and_standard_error(values)
                found |= {column.key: mean, f"{column.key}_se": error}
        return found

    return record
