"""Where independent trainings run: in this process, in several of this machine, or on a Ray cluster.

Everything that maps over runs, folds, candidates or data sets goes through `run_all`. Where it runs is chosen by the
environment, never by tracked params, because it must not change what comes out: a task draws every number from its own seeds
and computes with the same number of threads (softcifar.execution.device.threads) whatever runs beside it.

SOFTCIFAR_EXECUTOR  local (default); ray: the cluster that RAY_ADDRESS names or that runs on this machine, else one started
                    for this stage; ray://host:port: a cluster elsewhere, by way of Ray Client
SOFTCIFAR_WORKERS   tasks side by side on this machine: by default as many as cores (or containers) allow, or as GPUs
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from softcifar.errors import UserError
from softcifar.execution.local import run_local

Task = TypeVar("Task")
Result = TypeVar("Result")
Progress = Callable[..., None]


def run_all(
    function: Callable[[Task, Progress], Result],
    tasks: Sequence[Task],
    *,
    progress: Progress | None = None,
    done: Callable[[int, Result], None] = lambda *_: None,
) -> list[Result]:
    """function(task, report) for every task; their results in the order of the tasks.

    function: of a module, or functools.partial of one; it, the tasks and the results are pickled. What it reports arrives
    here as progress(*reported), where that is given. done(number, result) is called as soon as task `number` has ended. The
    first exception of a task ends the others and is raised.
    """
    return _executor()(function, list(tasks), progress, done)


def run_here(
    function: Callable[[Task, Progress], Result], tasks: Sequence[Task], *, progress: Progress | None = None
) -> list[Result]:
    """`run_all` on this machine, whatever SOFTCIFAR_EXECUTOR says: for tasks that read files of the study."""
    return run_local(function, list(tasks), progress, lambda *_: None)


def _executor() -> Callable[..., list[Any]]:
    wanted = os.environ.get("SOFTCIFAR_EXECUTOR") or "local"
    if wanted == "local":
        return run_local
    if wanted == "ray" or wanted.startswith("ray://"):
        from softcifar.execution.cluster import run_on_ray

        return run_on_ray
    raise UserError(f"SOFTCIFAR_EXECUTOR: found '{wanted}'; allowed: local, ray, ray://host:port")
