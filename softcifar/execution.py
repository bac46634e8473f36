"""The one place where independent trainings (runs, folds, candidates) are mapped over; each is a pure function of its task."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_all(function: Callable[[Task], Result], tasks: Iterable[Task]) -> list[Result]:
    """function(task) for every task, in their order, on this process's device."""
    return [function(task) for task in tasks]
