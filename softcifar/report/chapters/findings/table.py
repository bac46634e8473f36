"""Every student against the reference in every number of the figure and of the summary."""

from softcifar.metrics.statistics import FEWEST
from softcifar.report.chapters.findings.benefits import benefits
from softcifar.report.chapters.summary.columns import headline
from softcifar.report.core import judged
from softcifar.report.core.columns import Column, Field
from softcifar.report.core.comparisons import against
from softcifar.report.core.kinds import distinct
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build


def columns(study: Study) -> list[Column]:
    """Those of the figure, then what else the summary has."""
    shown = [benefit.column for benefit in benefits(study)]
    known = {(column.metric, column.set, column.score) for column in shown}
    return shown + [each for each in headline(study.results) if (each.metric, each.set, each.score) not in known]


def table(study: Study) -> Table:
    """A row per number and student."""
    listed = {column.key: column for column in columns(study)}
    findings = against(study.numbers, listed.values(), study.reference, study.design, distinct(study.results))
    records = [{"student": row.compared, "column": row.claim} | judged.comparison(row) for row in findings]
    metric = Field("metric", "Metric", text=lambda record: f"{record['metric']}\u00a0{listed[record['column']].arrow}")
    rule = (
        "Better and worse take a one-sided p below .0075 after Holm's correction over the students of "
        "one metric; an undecided difference may be as large as what is detectable."
    )
    if study.most_runs < FEWEST:
        rule = f"A test or an interval takes {FEWEST} runs."
    note = (
        f"Each student less {study.reference}, paired by run: where less is better, a negative effect is the better one. "
        f"{rule} {judged.scope(study.design)}"
    )
    fields = [Field("student", "Student"), metric, *judged.fields(study.design)]
    return build("comparisons", f"Against {study.reference}", note, fields, records, folded=True)
