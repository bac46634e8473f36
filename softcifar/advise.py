"""Which labels should I use? The report's decision table in the terminal.

    python -m softcifar.advise                                     of the study that `make repro` has run here
    python -m softcifar.advise --study shapes                      of a study that is published in studies/
    python -m softcifar.advise --budget teacher --aim calibration  of one budget and one aim alone
    python -m softcifar.advise --intervals                         how far each source lies behind the best

It reads tables of the finished report: advice.md, advice_sources.csv and advice_costs.csv.
"""

import argparse
import dataclasses
import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import yaml

from softcifar.errors import UserError, choose
from softcifar.files import md5, read_json, reading
from softcifar.pipeline import provenance, studies
from softcifar.pipeline.stage import OF_PARAMS, PARAMS, PLAN, of_params, run
from softcifar.report.chapters.advice import decision, sentences
from softcifar.report.chapters.advice.sources import Source, times
from softcifar.report.chapters.advice.standings import Standing, cells, size
from softcifar.report.core.columns import between, plain

TABLE, SOURCES, COSTS = "advice.md", "advice_sources.csv", "advice_costs.csv"  # the first two: only of three runs or more
REPRO = "run make repro"
WIDEST = 110  # characters of a line

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Finished:
    """A finished study. name; runs: of every student; reference; tables: the folder of its report's tables; seconds: {student:
    how long training took, its teacher's after it}, {} where that is not recorded."""

    name: str
    runs: int
    reference: str
    tables: Path
    seconds: Mapping[str, str]


def here() -> Finished:
    """The study that has run in this folder; UserError where it is not finished."""
    planned, lock, tables = PLAN / "report.json", Path(studies.LOCK), Path("reports/tables")
    if not all(path.is_file() for path in (planned, OF_PARAMS, lock)) or read_json(OF_PARAMS) != of_params():
        raise UserError(f"{PARAMS}: there is no finished run of this study; {REPRO}")
    params = read_json(planned)["params"]
    _has_students(params, f"{PARAMS}: the study '{params['study']}'")
    ran = studies.recorded_plan(lock)
    for path in sorted(PLAN.rglob("*.json")):
        if path != OF_PARAMS and ran.get(path.as_posix()) != md5(path.read_bytes()):
            item = path.relative_to(PLAN).with_suffix("").as_posix().replace("/", "@")
            raise UserError(f"{PARAMS}: the study is not finished, out of date: {item}; {REPRO}")
    _complete(tables, REPRO)
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    seconds = _seconds(params, provenance.records(Path(), stages))
    return Finished(params["study"], params["seeds"]["runs"], params["report"]["reference"], tables, seconds)


def published(name: str) -> Finished:
    """A study of studies/; UserError where none of that name is published with these tables."""
    folder = choose({each: Path(studies.FOLDER) / each for each in studies.names(Path())}, name, "--study")
    params = yaml.safe_load((folder / PARAMS).read_text(encoding="utf-8"))
    _has_students(params, f"--study: '{name}'")
    _complete(folder / "tables", f"run make repro STUDY={name}, or publish it anew")
    runs, reference = params["seeds"]["runs"], params["report"]["reference"]
    return Finished(name, runs, reference, folder / "tables", {})


def _has_students(params: Mapping[str, Any], what: str) -> None:
    if not params.get("students"):
        raise UserError(f"{what} has no students, so it cannot say which labels to use; allowed: one with the section students")


def _complete(tables: Path, advice: str) -> None:
    if not (tables / COSTS).is_file():
        raise UserError(
            f"{tables / COSTS}: not found; no two students differ in labels or loss alone, or the report is older; {advice}"
        )


def _seconds(params: Mapping[str, Any], recorded: Mapping[str, provenance.Record]) -> dict[str, str]:
    """All runs of a student, with those of tuning, as the stage that trained them noted."""
    found = {}
    for name, student in params["students"].items():
        teacher = params["labels"][student["labels"]].get("teacher")
        parts = [("", f"train@{name}"), *([("teacher ", f"teach@{teacher}")] if teacher else [])]
        if all(stage in recorded for _, stage in parts):
            found[name] = " + ".join(f"{words}{provenance.duration(recorded[stage].seconds)}" for words, stage in parts)
    return found


def read(path: Path, kind: Callable[..., T]) -> list[T]:
    """The rows of a table as the report wrote it; [] where it has none."""
    if not path.is_file():
        return []
    fields = [field.name for field in dataclasses.fields(kind)]
    with reading(path, "a table of the report", REPRO):
        rows = pd.read_csv(path, keep_default_na=False, na_values={"mean": [""], "behind": [""], "low": [""], "high": [""]})
        return [kind(**row) for row in rows[fields].to_dict("records")]


def advice(study: Finished, *, budget: str | None = None, aim: str | None = None, intervals: bool = False, width: int) -> str:
    """What the command prints, in lines of at most `width` characters but for tables."""
    rows, found = read(study.tables / SOURCES, Standing), read(study.tables / COSTS, Source)
    if not rows:
        said = sentences.nothing(study.runs, found, study.reference)
        return "\n\n".join(
            filter(None, [f"{study.name}: which labels should I use?", textwrap.fill(said, width), _costs(found, study)])
        )
    for key, asked in (("budget", budget), ("aim", aim)):
        if asked is not None:
            choose(dict.fromkeys(getattr(row, key) for row in rows), asked, f"--{key}")
            rows = [row for row in rows if getattr(row, key) == asked]
    parts = [f"{study.name}, {study.runs} runs: which labels should I use?"]
    said = dict(sentences.advice(rows, found, whole=aim is None))
    for words in dict.fromkeys(row.allows for row in rows):
        lines = [f"With {words}"]
        of_budget = [row for row in rows if row.allows == words]
        across = max(len(row.wanted) for row in of_budget)
        for (_, wanted), of_cell in cells(of_budget).items():
            start = f"  {wanted:<{across}}  "
            lines.append(textwrap.fill(decision.left(of_cell), width, initial_indent=start, subsequent_indent=" " * len(start)))
            lines += _intervals(of_cell) if intervals else []
        parts.append("\n".join([*lines, "", textwrap.indent(textwrap.fill(said[f"With {words}"], width - 2), "  ")]))
    allowed = {row.student for row in rows}
    rule = (study.tables / TABLE).read_text(encoding="utf-8").rstrip().rpartition("\n\n")[2]
    parts += [_costs([each for each in found if each.student in allowed], study), textwrap.fill(rule, width)]
    return "\n\n".join(parts)


def _intervals(rows: Sequence[Standing]) -> list[str]:
    """A line per source: mean, how far behind the best, 95 % interval, who beats it."""
    across, lines = max(len(row.student) for row in rows), []
    for row in rows:
        words = f"    {row.student:<{across}}  {plain(row.mean, row.digits)} {row.metric}"
        if pd.notna(row.behind):
            words += f", behind by {size(row.behind)}"
        if pd.notna(row.low):
            words += f" (95 % interval {between(row.low, row.high, size)})"
        lines.append(words + (f", {row.standing}" if row.by else ""))
    return lines


def _costs(found: Sequence[Source], study: Finished) -> str:
    """A table; "" of nothing to choose among."""
    header = ("source", "what it is", "votes per image", "teacher's networks", "training effort", "trained in")
    trained_in = study.seconds
    lines = [
        (each.student, each.what, f"{each.votes:g}", str(each.teachers), times(each.effort), trained_in.get(each.student, "–"))
        for each in found
    ]
    used = 6 if study.seconds else 5
    table = [line[:used] for line in (header, *lines)]
    across = [max(map(len, column)) for column in zip(*table, strict=True)]
    printed = ["  ".join(text.ljust(room) for text, room in zip(line, across, strict=True)).rstrip() for line in table]
    return "\n".join(printed) if found else ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m softcifar.advise", description="Which labels should I use?")
    parser.add_argument("--study", metavar="NAME", help="a published study, in the place of the one that has run here")
    parser.add_argument("--budget", metavar="KEY", help="one alone: labels, teacher, votes, both")
    parser.add_argument("--aim", metavar="KEY", help="one alone: accuracy, calibration, refusing, novelty, robustness, ...")
    parser.add_argument("--intervals", action="store_true", help="how far each source lies behind the best")
    asked = parser.parse_args()
    study = published(asked.study) if asked.study else here()
    width = min(shutil.get_terminal_size().columns, WIDEST)
    print(advice(study, budget=asked.budget, aim=asked.aim, intervals=asked.intervals, width=width))


if __name__ == "__main__":
    run(main)
