"""Every student against the reference in every number of the figure and of the summary; and the sentences, for other files."""

from collections.abc import Iterable

from softcifar.metrics.statistics import FEWEST
from softcifar.report.chapters.findings.benefits import benefits
from softcifar.report.chapters.findings.sentences import Answer
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


Answers = Iterable[tuple[str, str, list[Answer]]]


def in_sentences(answers: Answers, opening: str) -> Table:
    """A row per sentence with which the page opens, behind one that says what is compared; the page has them as text.

    answers: as softcifar.report.chapters.findings.sentences.answers gives them; opening: what is compared.
    """
    records = [{"question": "What is compared?", "finding": opening}]
    records += [{"question": question, "finding": each.text} for question, _, found in answers for each in found]
    fields = [Field("question", "Question"), Field("finding", "Finding")]
    note = (
        "Differences are gains: + is better, of errors and losses too. Those named are the largest, so chance flatters them. "
        "Intervals are single ones, not corrected for how many are compared, which verdicts are. Not decided does not mean "
        "equal."
    )
    return build("findings", "Findings", note, fields, records, on_page=False)


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
