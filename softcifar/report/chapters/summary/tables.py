"""The summary: what every student scores, and what it costs."""

from softcifar.report.chapters.summary.columns import headline
from softcifar.report.chapters.summary.cost import COLUMNS
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table


def summary(study: Study) -> Table:
    return means_table(study.numbers, study.design, "summary", "Summary", [*headline(study.results), *COLUMNS], note=MARK_NOTE)
