"""Rows of results: what a number is, its spread and its surroundings; as a table to read and as a file."""

import csv
import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from softcifar.errors import UserError

MEDIAN = "median, lowest, highest"
SHOWN = ("quantity", "case", "value", "low", "high", "unit", "n", "precision", "threads", "workers", "bar", "met")


@dataclasses.dataclass(frozen=True)
class Row:
    """One number. low, high: its spread, as `statistic` says."""

    quantity: str
    case: str
    value: float
    low: float
    high: float
    unit: str
    n: int  # measurements behind it
    statistic: str
    device: str  # cpu or cuda
    precision: str
    threads: int  # of each process
    workers: int  # processes side by side
    bar: str = ""  # what it should reach
    met: str = ""  # yes or no, where there is a bar


COLUMNS = ("part", *(field.name for field in dataclasses.fields(Row)))


def median_row(quantity: str, case: str, values: Sequence[float], unit: str, **surroundings: object) -> Row:
    """The median of at least one measurement, and the lowest and highest."""
    return Row(quantity, case, statistics.median(values), min(values), max(values), unit, len(values), MEDIAN, **surroundings)


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Round by round: a machine that is busy in one round slows both alike."""
    return [one / other for one, other in zip(above, below, strict=True)]


def merge(
    before: Sequence[Mapping[str, str]], rows: Mapping[str, Sequence[Row]], versions: Mapping[str, str]
) -> list[dict[str, object]]:
    """The file's lines: the rows just measured, by part, and those that it held `before` of other parts."""
    kept = [dict(line) for line in before if line["part"] not in rows]
    return kept + [{"part": part, **dataclasses.asdict(row), **versions} for part, each in rows.items() for row in each]


def read(file: Path) -> list[dict[str, str]]:
    """The lines of a file of results; none where there is no file. UserError where it holds something else."""
    if not file.exists():
        return []
    with open(file, newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ())[: len(COLUMNS)] != COLUMNS:
            raise UserError(f"{file}: found other columns than {', '.join(COLUMNS)}; move the file away and run again")
        return list(reader)


def table(rows: Mapping[str, Sequence[Row]]) -> str:
    """All rows as text, columns aligned, a heading per part."""
    lines = [[_text(getattr(row, column)) for column in SHOWN] for each in rows.values() for row in each]
    widths = [max(len(line[place]) for line in [list(SHOWN), *lines]) for place in range(len(SHOWN))]
    numbers = {SHOWN.index(column) for column in ("value", "low", "high", "n", "threads", "workers")}

    def aligned(line: Sequence[str]) -> str:
        cells = [f"{text:>{width}}" if at in numbers else f"{text:<{width}}"
                 for at, (text, width) in enumerate(zip(line, widths, strict=True))]  # fmt: skip
        return "  ".join(cells).rstrip()

    text, waiting = [aligned(SHOWN)], iter(lines)
    for part, each in rows.items():
        text += ["", part, *(aligned(next(waiting)) for _ in each)]
    return "\n".join(text)


def _text(value: object) -> str:
    """A number with three digits or more."""
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
