"""How tuned values were chosen: what was tried, what validation said, what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from softcifar.report.core.columns import Field
from softcifar.report.core.kinds import CRITERION_TITLES, INITIALISATION
from softcifar.report.core.results import Results, StudentScores
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.words import words

SCORES = tuple(CRITERION_TITLES)  # "nll", "accuracy", "ece"

NOTE = (
    "Each value was trained with the same number of runs, and every student tried equally many: one without a tuned option "
    "chose among initialisations instead, the seeds of its first weights, of which 0 are those that it has where it "
    "does not choose. The mean validation score over these runs chose, at the epoch that each run kept. {further} A value at "
    "the edge of what was tried may have a better one beyond it. Students that tried the same share their networks."
)
REMAINING = "Only what was chosen got the remaining runs."
REFIT = "Then all runs of what was chosen were trained anew, on training and validation images together, to the last epoch."


@dataclass(frozen=True)
class Search:
    """Students that tried the same values on the same networks, and may have chosen differently.

    names: of what was tuned ("loss.alpha"), values: a tuple per candidate; scores: {"nll", "accuracy", "ece"} -> float64
    (candidates, search runs) on validation; chosen: {student: the candidates that its splits chose}.
    """

    names: list[str]
    values: list[tuple[Any, ...]]
    scores: dict[str, np.ndarray]
    chosen: dict[str, list[int]]

    @property
    def initialisations(self) -> bool:
        """Whether nothing was tuned: the candidates are alike but for their seeds, in no order."""
        return self.names == [INITIALISATION]


def searches(results: Results) -> list[Search]:
    """One per set of networks, in the order of the students; [] where nothing was tuned."""
    by_networks: dict[str, Search] = {}
    for name, student in results.students.items():
        candidates = student.about["candidates"]
        if len(candidates) == 1:
            continue
        key = repr((candidates, student.about["validation"]))
        if key not in by_networks:
            values = [tuple(each.values()) for each in candidates]
            by_networks[key] = Search(list(candidates[0]), values, _scores(student), {})
        by_networks[key].chosen[name] = student.choices
    return list(by_networks.values())


def _scores(student: StudentScores) -> dict[str, np.ndarray]:
    """Validation scores of the search runs at the epochs that they kept."""
    history = student.history[student.history["seed"] < student.about["search_runs"]]
    last = student.options["checkpoint"] == "last"
    order = history.sort_values("epoch") if last else history.sort_values(["validation_nll", "epoch"])
    kept = order.groupby(["candidate", "seed"])[[f"validation_{score}" for score in SCORES]].agg("last" if last else "first")
    shape = (len(student.about["candidates"]), student.about["search_runs"])
    return {score: kept[f"validation_{score}"].to_numpy(dtype=np.float64).reshape(shape) for score in SCORES}


def table(study: Study) -> Table:
    """A row per student that chose: the values tried, the choice, by what, what validation said of it, and the budget."""
    said = "on validation, of the choice, mean over the search runs"
    fields = [
        Field("student", "Student"),
        Field("tuned", "Tuned", "the options that were given as lists; initialisation: none was"),
        Field("tried", "Tried"),
        Field("chosen_by", "Chosen by", "the validation score that chose", text=criterion),
        Field("chosen", "Chosen"),
        Field("place", "Place", "of the chosen value among those tried"),
        Field("validation_nll", "NLL\u00a0↓", said),
        Field("validation_accuracy", "Accuracy %\u00a0↑", said, 1, 100),
        Field("validation_ece", "ECE\u00a0↓", said),
        Field("candidates", "Candidates", "values or combinations tried"),
        Field("search_runs", "Runs each", "networks trained per candidate"),
        Field("networks", "Networks", "trained in all: candidates times runs each, and the further runs of the choice"),
    ]
    students = study.results.students.items()
    records = [{"student": name} | _record(student) for name, student in students if len(student.about["candidates"]) > 1]
    refit = any(student.about["refit"] for _, student in students)
    splits = len(study.results.splits)
    each = f" Each of the {splits} splits chose by itself; 'or' stands between choices that differ." if splits > 1 else ""
    return build("tuning", "Tuning", NOTE.format(further=REFIT if refit else REMAINING) + each, fields, records)


def criterion(record: Mapping[str, Any]) -> str:
    """The score that chose, as people call it."""
    return CRITERION_TITLES[record["chosen_by"]]


def at_edge(place: str) -> bool:
    """Whether a choice lies at the edge of what was tried; place: as `place` gives it."""
    return "lowest" in place or "highest" in place


def _record(student: StudentScores) -> dict[str, Any]:
    about = student.about
    candidates, chosen = about["candidates"], list(dict.fromkeys(student.choices))
    each = about["search_runs"]
    return {
        "tuned": ", ".join(candidates[0]),
        "tried": "; ".join(_value(one) for one in candidates),
        "chosen_by": about["choose_by"],
        "chosen": " or ".join(_value(candidates[choice]) for choice in chosen),
        "place": " or ".join(dict.fromkeys(place(candidates, choice) for choice in chosen)),
        **{
            f"validation_{score}": float(np.mean([one["validation"][score][one["choice"]] for one in student.abouts]))
            for score in SCORES
        },
        "candidates": len(candidates),
        "search_runs": each,
        "networks": len(candidates) * each + len(student.seeds) - (0 if about["refit"] else each),
    }


def place(candidates: list[Mapping[str, Any]], choice: int) -> str:
    """Where a choice lies among the values tried, per tuned number: "lowest", "inside", "highest"; "–" for initialisations."""
    if INITIALISATION in candidates[choice]:
        return "–"
    places = []
    for name, value in candidates[choice].items():
        tried = [each[name] for each in candidates]
        places.append("lowest" if value == min(tried) else "highest" if value == max(tried) else "inside")
    return ", ".join(places)


def _value(candidate: Mapping[str, Any]) -> str:
    """Values only; where several are tuned their order is that of `tuned`."""
    return " & ".join(words(value) for value in candidate.values())
