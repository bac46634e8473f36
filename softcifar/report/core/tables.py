"""One builder for every table: records and a list of columns; and the tables of means with marks for what tests support."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.metrics.statistics import FEWEST
from softcifar.report.core.columns import Column, Field, plain
from softcifar.report.core.comparisons import by_run, marks
from softcifar.report.core.design import Design

KEYS = {"student": "Student", "kind": "Model", "set": "OOD set", "score": "Score", "method": "Method",
        "simulation": "Simulation", "acquisition": "Acquisition", "pool": "Pool"}  # fmt: skip
MODELS = {"run": "single", "ensemble": "ensemble"}
ONE_SPLIT = (
    "Ensembles take no part in the tests. Spread and tests are over runs on the same images: they do not cover how other "
    "images or other teachers would change a number."
)
MARKS = (
    "Bold: the best mean, where paired t tests by run separate it from every other student (two-sided p < .015 after Holm's "
    "correction over its rivals). Tilde: where no student is separated from all others, the best mean and every mean that the "
    "tests do not separate from it, which does not mean that they are equally good. Where nobody is separated, a column has no "
    "mark."
)
NO_MARKS = f"Nothing is marked: a test takes {FEWEST} runs."
MARK_NOTE = f"{MARKS} {ONE_SPLIT} There is no test below three runs."
SEVERAL_SPLITS = (
    "Spread is over runs, run r on split r modulo {}, with teachers of its own; the tests are of further runs on these images. "
    "There are no ensembles: members of different splits learned from each other's validation or test images."
)


@dataclass(frozen=True)
class Cell:
    """One entry of a table.

    text: as printed; value: to sort by, None where missing; error: "± ...", "" for a mean that has none, None for what
    is no mean; mark: "best", "not separated" or "".
    """

    text: str
    value: float | str | None
    error: str | None = None
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """name: of its files; header: (title, meaning) per column; rows of cells; frame: the same in full precision.

    folded: closed on the page until a reader opens it; on_page: False where the page says the same in its text.
    """

    name: str
    title: str
    note: str
    header: list[tuple[str, str]]
    rows: list[list[Cell]]
    frame: pd.DataFrame
    folded: bool = False
    on_page: bool = True

    @cached_property
    def has_errors(self) -> bool:
        return any(cell.error for row in self.rows for cell in row)


def build(
    name: str,
    title: str,
    note: str,
    fields: Iterable[Field],
    records: Sequence[Mapping[str, Any]],
    *,
    folded: bool = False,
    on_page: bool = True,
    shown_only: Sequence[str] = (),
) -> Table:
    """A row per record, a column per field; the frame has all that the records hold, but for the keys `shown_only`."""
    fields = list(fields)
    rows = [[_cell(field, record) for field in fields] for record in records]
    header = [(field.title, field.meaning) for field in fields]
    frame = pd.DataFrame([{key: value for key, value in record.items() if key not in shown_only} for record in records])
    return Table(name, title, note, header, rows, frame, folded, on_page)


def _cell(field: Field, record: Mapping[str, Any]) -> Cell:
    value = record.get(field.key)
    value = None if value is None or pd.isna(value) else value
    error = record.get(f"{field.key}_se") if field.spread else None
    spread = (
        ("" if error is None or pd.isna(error) else f"± {plain(field.scale * error, field.digits)}") if field.spread else None
    )
    mark = record.get(f"{field.key}_mark", "") if field.spread else ""
    if field.text is not None:
        return Cell(field.text(record), value, spread, mark)
    if value is None:
        return Cell("–", None, spread, mark)
    if isinstance(value, str):
        return Cell(value, value)
    if isinstance(value, int | np.integer):
        return Cell(str(value), value)
    return Cell(plain(field.scale * value, field.digits), value, spread, mark)


def means_table(
    numbers: pd.DataFrame,
    design: Design,
    name: str,
    title: str,
    columns: Sequence[Column],
    *,
    note: str,
    keys: Mapping[str, str] | None = None,
    counted: str = "networks that the mean is taken over",
    titles: Mapping[str, str] | None = None,
    folded: bool = False,
) -> Table:
    """Mean, standard error and n of each column, marked where a test by run separates the best.

    numbers: the long table; keys: its columns that name a row -> what the table calls them (a student and a kind, unless
    said otherwise); titles: what a score is called. A table that names sets and scores by row asks for the best within each.
    Columns without a single value are left out. Of several splits, the note says so.
    """
    runs = numbers.loc[numbers["kind"] == "run", "seed"].nunique()
    if runs < FEWEST:
        note = note.replace(MARK_NOTE, f"{NO_MARKS} {ONE_SPLIT}")
    if (design.splits or 1) > 1:
        note = note.replace(ONE_SPLIT, SEVERAL_SPLITS.format(design.splits))
    keys = keys or {"student": "student", "kind": "kind"}
    parts = [column.select(numbers).assign(column=column.key) for column in columns]
    cells = pd.concat(parts).dropna(subset="value") if parts else numbers.iloc[:0].assign(column="")
    groups = [key for key in keys if key not in ("student", "kind")]
    marked = {}
    for group, part in cells.groupby(groups, sort=False) if groups else [((), cells)]:
        for column in columns:
            if column.higher is not None:
                values = by_run(part[part["column"] == column.key], column)
                for student, mark in marks(values, design, higher=column.higher).items():
                    marked[student, "run", group, column.key] = mark
    values = {key: part["value"].to_numpy() for key, part in cells.groupby([*keys, "column"], sort=False)}
    columns = [column for column in columns if column.key in set(cells["column"])]
    records = []
    for key in _ordered(cells, list(keys), list(numbers["student"].unique())):
        of = dict(zip(keys, key, strict=True))
        runs = max(len(values.get((*key, column.key), ())) for column in columns)
        record = {name: of[key] for key, name in keys.items()} | {"n": runs}
        for column in columns:
            known = values.get((*key, column.key))
            mean, error = metrics.mean_and_standard_error(known) if known is not None else (float("nan"), float("nan"))
            place = of["student"], of.get("kind", "run"), tuple(of[each] for each in groups), column.key
            record |= {column.key: mean, f"{column.key}_se": error, f"{column.key}_mark": marked.get(place, "")}
        records.append(record)
    named = [_key_field(name, titles or {}) for name in keys.values()]
    fields = [*named, Field("n", "n", counted), *(column.field for column in columns)]
    return build(name, title, note, fields, records, folded=folded)


def _ordered(cells: pd.DataFrame, keys: list[str], students: list[str]) -> list[tuple]:
    """The keys of the rows; with single networks and ensembles by student, each student's single networks first."""
    distinct = list(dict.fromkeys(map(tuple, cells[keys].to_numpy())))
    return sorted(distinct, key=lambda key: (students.index(key[0]), key[1] != "run")) if "kind" in keys else distinct


def _key_field(name: str, titles: Mapping[str, str]) -> Field:
    texts = MODELS if name == "kind" else titles
    return Field(name, KEYS[name], text=lambda record: texts.get(record[name], record[name]))
