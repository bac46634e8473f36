"""The decision table: a row per aim, a column per budget, in every cell the sources that are not beaten."""

from collections.abc import Sequence

from softcifar.report.chapters.advice.sources import of_study
from softcifar.report.chapters.advice.standings import ONLY_HERE, Standing, cells, standings
from softcifar.report.core import judged
from softcifar.report.core.columns import Field
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.words import capital

RULE = (
    "In a cell: the sources that no other one of the same budget beats, the best mean first. One beats another where a paired "
    "test by run decides (one-sided p < .0075 after Holm's correction over all pairs of the cell). Not beaten does not mean "
    "equally good."
)


def left(rows: Sequence[Standing]) -> str:
    """A cell in words."""
    names = [row.student for row in rows if row.left]
    if len(rows) == 1:
        return f"{names[0]}, no other"
    if len(names) == len(rows):
        here = any(row.standing == ONLY_HERE for row in rows)
        return f"all {len(rows)}, not told apart" + " for further images" * here
    return f"{', '.join(names)} (of {len(rows)})"


def table(study: Study) -> Table:
    """No row where nothing can be told."""
    rows = standings(study)
    found, budgets = of_study(study)
    named = {source.student: source.named for source in found}
    fields = [Field("wanted", "Aim"), Field("metric", "Measured by")]
    fields += [
        Field(budget.key, capital(budget.words), f"sources: {', '.join(named[each] for each in budget.students)}")
        for budget in budgets
    ]
    records: dict[str, dict[str, str]] = {}
    for (budget, wanted), of_cell in cells(rows).items():
        record = records.setdefault(wanted, {"wanted": wanted, "metric": of_cell[0].metric})
        record[budget] = left(of_cell)
    ordered = list(dict.fromkeys(row.wanted for row in rows))
    note = f"{RULE} {judged.scope(study.design)}"
    return build("advice", "Sources that are not beaten", note, fields, [records[wanted] for wanted in ordered])
