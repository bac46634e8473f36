"""The summary, every student against the reference, and in words which best means stand out."""

from softcifar.report.chapters.summary.columns import headline
from softcifar.report.core.columns import Field, between, p_text
from softcifar.report.core.comparisons import against
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, build, means_table


def summary(study: Study) -> Table:
    return means_table(study.numbers, "summary", "Summary", headline(study.results), note=MARK_NOTE)


def comparisons(study: Study) -> Table:
    """A row per column of the summary and student: its difference from the reference."""
    columns, reference = {column.key: column for column in headline(study.results)}, study.reference

    def difference(record) -> str:
        return ("+" if record["difference"] > 0 else "") + columns[record["column"]].text(record["difference"])

    fields = [
        Field("student", "Student"),
        Field("column", "Metric", text=lambda record: columns[record["column"]].title),
        Field("difference", "Difference", f"student less {reference}, mean over shared runs", text=difference),
        Field("low", "95 % interval", "bootstrap over the runs' differences; too narrow where runs are few",
              text=lambda record: between(record["low"], record["high"], columns[record["column"]].text)),
        Field("p", "p", "paired t test by run, two-sided", text=lambda record: p_text(record["p"])),
        Field("holm_p", "Holm p", "corrected over the students of one metric", text=lambda record: p_text(record["holm_p"])),
        Field("n", "n", "shared runs"),
    ]  # fmt: skip
    note = (
        f"Each student less {reference}, paired by run. The interval is a bootstrap over the runs' "
        "differences and never leaves their range, so with few runs it is too narrow: trust the corrected p."
    )
    records = against(study.numbers, list(columns.values()), reference).to_dict("records")
    return build("comparisons", f"Against {reference}", note, fields, records, folded=True)


def leaders(study: Study) -> list[tuple[str, str, str, str]]:
    """Per column of the summary: its title, the best mean's student, its value, and whom the tests do not separate from it."""
    frame = study.tables["summary"].frame
    singles = frame[frame["kind"] == "run"].set_index("student")
    rows = []
    for column in headline(study.results):
        if column.key not in singles or singles[column.key].isna().all():
            continue
        best = str(singles[column.key].idxmax() if column.higher else singles[column.key].idxmin())
        marked = singles[f"{column.key}_mark"]
        tied = [name for name in singles.index[marked == "tied"] if name != best]
        if marked[best] == "best":
            verdict = "stands out: separated from every other student"
        elif not tied:
            verdict = "no test: too few runs or students"
        elif len(tied) == len(singles) - 1:
            verdict = "does not stand out: separated from no other student"
        else:
            verdict = f"does not stand out: not separated from {', '.join(tied)}"
        rows.append((column.title, best, column.text(singles[column.key][best]), verdict))
    return rows
