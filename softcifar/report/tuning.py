"""How tuned values were chosen: what was tried, what validation said, what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from softcifar.report.columns import plain
from softcifar.report.kinds import CRITERIA
from softcifar.report.scores import Results, StudentScores
from softcifar.report.tables import Cell, Table
from softcifar.report.words import words

SCORES = tuple(CRITERIA)  # "nll", "accuracy", "ece"

NOTE = (
    "Each value was trained with the same number of runs, and every tuned student tried equally many; the mean validation "
    "score over these runs chose, at the epoch that each run kept. Only the chosen value got the remaining runs. A choice at "
    "the edge of what was tried may have a better value beyond it. Students that tried the same values share their networks."
)


@dataclass(frozen=True)
class Search:
    """Students that tried the same values on the same networks, and may have chosen differently.

    names: of what was tuned ("loss.alpha"), values: a tuple per candidate; scores: {"nll", "accuracy", "ece"} -> float64
    (candidates, search runs) on validation; chosen: {student: candidate}.
    """

    names: list[str]
    values: list[tuple[Any, ...]]
    scores: dict[str, np.ndarray]
    chosen: dict[str, int]


def searches(results: Results) -> list[Search]:
    """One per set of networks, in the order of the students; [] where nothing was tuned."""
    found: dict[str, Search] = {}
    for name, student in results.students.items():
        candidates = student.about["candidates"]
        if len(candidates) == 1:
            continue
        key = repr((candidates, student.about["validation"]))
        if key not in found:
            values = [tuple(each.values()) for each in candidates]
            found[key] = Search(list(candidates[0]), values, _scores(student), {})
        found[key].chosen[name] = student.about["choice"]
    return list(found.values())


def _scores(student: StudentScores) -> dict[str, np.ndarray]:
    """Validation scores of the search runs at the epochs that they kept."""
    history = student.history[student.history["seed"] < student.about["search_runs"]]
    last = student.options["checkpoint"] == "last"
    order = history.sort_values("epoch") if last else history.sort_values(["validation_nll", "epoch"])
    kept = order.groupby(["candidate", "seed"])[[f"validation_{score}" for score in SCORES]].agg("last" if last else "first")
    shape = (len(student.about["candidates"]), student.about["search_runs"])
    return {score: kept[f"validation_{score}"].to_numpy(dtype=np.float64).reshape(shape) for score in SCORES}


def table(results: Results) -> Table:
    """A row per tuned student: the values tried, the choice, by what, what validation said of it, and the budget."""
    header = [
        ("Student", ""),
        ("Tuned", "the options that were given as lists"),
        ("Tried", ""),
        ("Chosen by", "the validation score that chose"),
        ("Chosen", ""),
        ("Place", "of the chosen value among those tried"),
        ("NLL\u00a0↓", "on validation, of the choice, mean over the search runs"),
        ("Accuracy %\u00a0↑", "on validation, of the choice, mean over the search runs"),
        ("ECE\u00a0↓", "on validation, of the choice, mean over the search runs"),
        ("Candidates", "values or combinations tried"),
        ("Runs each", "networks trained per candidate"),
        ("Networks", "trained in all: candidates times runs each, and the remaining runs of the choice"),
    ]
    records = [
        {"student": name, **_record(student)}
        for name, student in results.students.items()
        if len(student.about["candidates"]) > 1
    ]
    rows = [_row(record) for record in records]
    return Table("tuning", "Tuning", NOTE, header, rows, pd.DataFrame(records))


def _record(student: StudentScores) -> dict[str, Any]:
    about = student.about
    candidates, choice = about["candidates"], about["choice"]
    each = about["search_runs"]
    return {
        "tuned": ", ".join(candidates[0]),
        "tried": "; ".join(_value(one) for one in candidates),
        "chosen_by": about["choose_by"],
        "chosen": _value(candidates[choice]),
        "place": place(candidates, choice),
        **{f"validation_{score}": about["validation"][score][choice] for score in SCORES},
        "candidates": len(candidates),
        "search_runs": each,
        "networks": len(candidates) * each + len(student.seeds) - each,
    }


def _row(record: Mapping[str, Any]) -> list[Cell]:
    names = ("student", "tuned", "tried", "chosen_by", "chosen", "place")
    shown = dict(record) | {"chosen_by": CRITERIA[record["chosen_by"]]}
    scores = [
        Cell(plain(factor * record[f"validation_{score}"], digits), record[f"validation_{score}"])
        for score, factor, digits in (("nll", 1, 3), ("accuracy", 100, 1), ("ece", 1, 3))
    ]
    counts = [Cell(str(record[name]), record[name]) for name in ("candidates", "search_runs", "networks")]
    return [*(Cell(shown[name], shown[name]) for name in names), *scores, *counts]


def place(candidates: list[Mapping[str, Any]], choice: int) -> str:
    """Where a choice lies among the values tried, per tuned number: "lowest", "inside" or "highest"."""
    found = []
    for name, value in candidates[choice].items():
        tried = [each[name] for each in candidates]
        found.append("lowest" if value == min(tried) else "highest" if value == max(tried) else "inside")
    return ", ".join(found)


def _value(candidate: Mapping[str, Any]) -> str:
    """Values only; where several are tuned their order is that of `tuned`."""
    return " & ".join(words(value) for value in candidate.values())
