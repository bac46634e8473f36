"""What the runs support: the best student of a column, and every student against the reference, paired by run."""

import math
from typing import NamedTuple

import pandas as pd

from softcifar import metrics
from softcifar.metrics.statistics import LEVEL
from softcifar.report.core.columns import Column
from softcifar.report.core.design import Design


def by_run(table: pd.DataFrame, column: Column) -> pd.DataFrame:
    """Values of the single runs: a row per run, a column per student, students in the order of the long table."""
    chosen = column.select(table[table["kind"] == "run"])
    return chosen.pivot(index="seed", columns="student", values="value")[list(chosen["student"].unique())]


class Marks(NamedTuple):
    """What a column may point at: {student: "best"} or {student: "not separated", ...}.

    separates: whether the tests separate any student from the best. detectable: the largest of the differences that the tests
    against the rivals that are not separated would have found with a probability of 80 %; NaN without any.
    """

    of: dict[str, str]
    separates: bool = True
    detectable: float = math.nan


def marks(values: pd.DataFrame, design: Design, *, higher: bool) -> Marks:
    """values: rows = runs, columns = students. The student with the best mean is "best" only where paired t tests by run
    separate it from every rival at LEVEL after Holm's correction over the rivals. Otherwise it and all those that the tests do
    not separate from it are "not separated", which does not mean that they are equally good. Nothing is marked where there is
    no rival or no test at all (fewer than three runs).
    """
    means = values.mean().dropna()
    if len(means) < 2:
        return Marks({})
    best = str(means.idxmax() if higher else means.idxmin())
    rivals = [name for name in means.index if name != best]
    tests = [design.these(values[best] - values[rival]) for rival in rivals]
    p_values = [test.p_equal() for test in tests]
    if all(map(math.isnan, p_values)):
        return Marks({})
    close = {rival: test for rival, test, p in zip(rivals, tests, metrics.holm(p_values), strict=True) if not p < LEVEL}
    if not close:
        return Marks({best: "best"})
    found = [metrics.detectable(test, LEVEL / 2 / len(rivals)) for test in close.values()]
    return Marks(dict.fromkeys((best, *close), "not separated"), len(close) < len(rivals), float(pd.Series(found).max()))


def against(table: pd.DataFrame, columns: list[Column], reference: str, design: Design) -> pd.DataFrame:
    """Every other student less the reference, per column; p corrected over the students of that column (Holm).

    Columns: student, column (a Column's key), difference, low, high (95 % interval, Student's t), p, holm_p, n (runs),
    detectable (the difference that this n and spread find with a probability of 80 % after the correction).
    What there is no test for (fewer than three shared runs, no spread) is missing.
    """
    rows = []
    for column in columns:
        values = by_run(table, column)
        if reference not in values:
            continue
        differences = {name: (values[name] - values[reference]).dropna() for name in values.columns.drop(reference)}
        tests = [(name, design.these(each)) for name, each in differences.items() if len(each)]
        corrected = metrics.holm([test.p_equal() for _, test in tests])
        level = LEVEL / 2 / max(len(tests), 1)
        rows += [
            (name, column.key, test.mean, *test.interval(), test.p_equal(), p, test.count, metrics.detectable(test, level))
            for (name, test), p in zip(tests, corrected, strict=True)
        ]
    return pd.DataFrame(rows, columns=["student", "column", "difference", "low", "high", "p", "holm_p", "n", "detectable"])
