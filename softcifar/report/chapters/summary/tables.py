"""The summary: what every student scores, and what it costs."""

from softcifar.report.chapters.summary.bound import bound
from softcifar.report.chapters.summary.columns import headline
from softcifar.report.chapters.summary.cost import COLUMNS
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table


def summary(study: Study) -> Table:
    note = " ".join(filter(None, (bound(study.results), MARK_NOTE)))
    return means_table(study.numbers, study.design, "summary", "Summary", [*headline(study.results), *COLUMNS], note=note)
