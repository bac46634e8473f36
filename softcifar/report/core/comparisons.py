"""What the runs support: the best student of a column, and every student against the reference, paired by run."""

import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import Column

LEVEL = 0.05


def by_run(table: pd.DataFrame, column: Column) -> pd.DataFrame:
    """Values of the single runs: a row per run, a column per student, students in the order of the long table."""
    chosen = column.select(table[table["kind"] == "run"])
    return chosen.pivot(index="seed", columns="student", values="value")[list(chosen["student"].unique())]


def marks(values: pd.DataFrame, *, higher: bool) -> dict[str, str]:
    """Which students a column may point at: {student: "best"} or {student: "tied", ...}.

    values: rows = runs, columns = students. The student with the best mean is "best" only where a paired t test by
    run separates it from every rival at .05 after Holm's correction over the rivals. Otherwise it and all those that
    the test does not separate from it are "tied". Nothing is marked where there is no rival or no
    test at all (fewer than three runs).
    """
    means = values.mean().dropna()
    if len(means) < 2:
        return {}
    best = str(means.idxmax() if higher else means.idxmin())
    rivals = [name for name in means.index if name != best]
    tests = [_paired(values, best, rival) for rival in rivals]
    if all(test is None or pd.isna(test.p_value) for test in tests):
        return {}
    corrected = metrics.holm([test.p_value if test else float("nan") for test in tests])
    tied = [rival for rival, p in zip(rivals, corrected, strict=True) if not p < LEVEL]
    return dict.fromkeys((best, *tied), "tied") if tied else {best: "best"}


def against(table: pd.DataFrame, columns: list[Column], reference: str) -> pd.DataFrame:
    """Every other student less the reference, per column; p corrected over the students of that column (Holm).

    Columns: student, column (a Column's key), difference, low, high (95 % bootstrap interval), p, holm_p, n (runs).
    Interval and p are missing where only one run is shared.
    """
    rows = []
    for column in columns:
        values = by_run(table, column)
        if reference not in values:
            continue
        tests = []
        for student in values.columns.drop(reference):
            pairs = values[[student, reference]].dropna()
            if len(pairs):
                test = metrics.paired_comparison(pairs[student], pairs[reference])
                tests.append((student, column.key, test.difference, *test.interval, test.p_value, len(pairs)))
        corrected = metrics.holm([row[5] for row in tests])
        rows += [(*row[:6], p, row[6]) for row, p in zip(tests, corrected, strict=True)]
    return pd.DataFrame(rows, columns=["student", "column", "difference", "low", "high", "p", "holm_p", "n"])


def _paired(values: pd.DataFrame, a: str, b: str) -> metrics.PairedComparison | None:
    pairs = values[[a, b]].dropna()
    return metrics.paired_comparison(pairs[a], pairs[b]) if len(pairs) > 1 else None
