"""What the runs support: the best student of a column, and every student against the reference, paired by run."""

from collections.abc import Iterable

import pandas as pd

from softcifar import metrics
from softcifar.metrics.statistics import LEVEL
from softcifar.report.core.columns import Column
from softcifar.report.core.design import Design
from softcifar.report.core.verdicts import Check, Finding, judge


def by_run(table: pd.DataFrame, column: Column) -> pd.DataFrame:
    """Values of the single runs: a row per run, a column per student, students in the order of the long table."""
    chosen = column.select(table)
    chosen = chosen[chosen["kind"] == "run"]
    return chosen.pivot(index="seed", columns="student", values="value")[list(chosen["student"].unique())]


def marks(values: pd.DataFrame, design: Design, *, higher: bool) -> dict[str, str]:
    """What a column may point at: {student: "best"} or {student: "not separated", ...}.

    values: rows = runs, columns = students.
    The student with the best mean is "best" only where paired t tests by run separate it from every rival at LEVEL after Holm's
    correction over the rivals. Otherwise it and all those that the tests do not separate from it are "not separated", which
    does not mean that they are equally good. Nothing is marked where nobody is separated, there is no rival or no test at all
    (fewer than three runs).
    """
    means = values.mean().dropna()
    if len(means) < 2:
        return {}
    best = str(means.idxmax() if higher else means.idxmin())
    rivals = [name for name in means.index if name != best]
    p_values = [design.these(values[best] - values[rival]).p_equal() for rival in rivals]
    close = [rival for rival, p in zip(rivals, metrics.holm(p_values), strict=True) if not p < LEVEL]
    if not close:
        return {best: "best"}
    return dict.fromkeys((best, *close), "not separated") if len(close) < len(rivals) else {}


def against(
    table: pd.DataFrame, columns: Iterable[Column], reference: str, design: Design, students: Iterable[str] | None = None
) -> list[Finding]:
    """Every other student (or those named) less the reference, per column, in the unit of the column as it is printed.

    A row says "is better than the reference"; the rows of a column are corrected together, like those of a claim. Its `claim`
    is the column's key, its `compared` the student.
    """
    checks = []
    for column in columns:
        values = column.scale * by_run(table, column)
        for name in values.columns if students is None else [each for each in students if each in values]:
            if name != reference and reference in values and (differences := values[name] - values[reference]).notna().any():
                pair = {reference: differences}
                checks.append(Check(column.key, "", name, column.title, bool(column.higher), pair, students=(name, reference)))
    return judge(checks, design)
