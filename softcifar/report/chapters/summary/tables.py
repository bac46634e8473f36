"""The summary, every student against the reference, and in words which best means stand out."""

import pandas as pd

from softcifar.metrics.statistics import LEVEL
from softcifar.report.chapters.summary.columns import headline
from softcifar.report.core.columns import Field, between, p_text
from softcifar.report.core.comparisons import against, by_run, marks
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, build, means_table


def summary(study: Study) -> Table:
    return means_table(study.numbers, study.design, "summary", "Summary", headline(study.results), note=MARK_NOTE)


def comparisons(study: Study) -> Table:
    """A row per column of the summary and student: its difference from the reference."""
    columns, reference = {column.key: column for column in headline(study.results)}, study.reference

    def difference(record) -> str:
        return ("+" if record["difference"] > 0 else "") + columns[record["column"]].text(record["difference"])

    fields = [
        Field("student", "Student"),
        Field("column", "Metric", text=lambda record: columns[record["column"]].title),
        Field("difference", "Difference", f"student less {reference}, mean over shared runs", text=difference),
        Field("low", "95 % interval", "Student's t over the runs' differences",
              text=lambda record: between(record["low"], record["high"], columns[record["column"]].text)),
        Field("p", "p", "paired t test by run, two-sided", text=lambda record: p_text(record["p"])),
        Field("holm_p", "Holm p", "corrected over the students of one metric", text=lambda record: p_text(record["holm_p"])),
        Field("n", "n", "shared runs"),
        Field("detectable", "Detectable", "the difference that these runs find with a probability of 80 %, corrected",
              text=lambda record: columns[record["column"]].text(record["detectable"])),
    ]  # fmt: skip
    note = (
        f"Each student less {reference}, paired by run, over runs on the same images. A difference is called real where "
        f"Holm p, corrected over the students of one metric, is below {LEVEL:g}; where it is not, one as large as the last "
        "column may still be there."
    )
    records = against(study.numbers, list(columns.values()), reference, study.design).to_dict("records")
    return build("comparisons", f"Against {reference}", note, fields, records, folded=True)


def leaders(study: Study) -> list[tuple[str, str, str, str]]:
    """Per column of the summary: its title, the best mean's student, its value, and whom the tests do not separate from it."""
    rows = []
    for column in headline(study.results):
        values = by_run(study.numbers, column).dropna(axis=1, how="all")
        if values.empty:
            continue
        means = values.mean()
        best = str(means.idxmax() if column.higher else means.idxmin())
        marked = marks(values, study.design, higher=bool(column.higher))
        close = [name for name in marked.of if name != best]
        if not marked.of:
            verdict = "no test: too few runs or students"
        elif not close:
            verdict = "stands out: separated from every other student"
        else:
            names = "any other student" if len(close) == len(means) - 1 else ", ".join(close)
            verdict = f"does not stand out: not separated from {names}"
            if pd.notna(marked.detectable):
                unit = " points" if column.scale == 100 else ""
                verdict += f" (so many runs find differences of {column.text(marked.detectable)}{unit})"
        rows.append((column.title, best, column.text(means[best]), verdict))
    return rows
