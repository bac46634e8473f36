"""Parts of the report that do not need each other, on several cores: numbers by student, tables, figures.

The result is the same, byte for byte, however many processes there are: each item is computed by itself, in one of them.
"""

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import joblib
import threadpoolctl

from softcifar.errors import UserError

LATE = ("scipy.optimize", "scipy.stats", "sklearn.manifold", "sklearn.metrics")  # loaded where they are first used
MOST = 8  # processes: more wait for the longest item
T = TypeVar("T")
R = TypeVar("R")
_WORK: list[
    tuple[Callable, list]
] = []  # what forked processes find here; a function with all that it knows is not sent to them


def side_by_side(make: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """[make(item) for item in items]; results are pickled, `make` and the items need not be.

    One process per core that this one may use, or SOFTCIFAR_WORKERS; in this process alone where that is one, or where
    processes cannot be forked (they would load everything anew). What `make` keeps for later stays in its process.
    """
    items = list(items)
    count = min(workers(), len(items))
    if count <= 1:
        return [make(item) for item in items]
    for name in LATE:  # once here, not once in every process
        importlib.import_module(name)
    _WORK.append((make, items))
    try:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(count, mp_context=context, initializer=_begin) as pool:
            return list(pool.map(_one, range(len(items))))
    except BrokenProcessPool:
        raise UserError(
            "SOFTCIFAR_WORKERS: one of the processes that write the report was killed, as happens where memory runs out; run "
            f"again with fewer of them (found {count}; 1 takes the least memory)"
        ) from None
    finally:
        _WORK.pop()


def workers() -> int:
    """How many processes may work at once; one within such a process."""
    if sys.platform != "linux" or multiprocessing.parent_process() is not None:
        return 1
    asked = os.environ.get("SOFTCIFAR_WORKERS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else min(joblib.cpu_count(), MOST)


def _one(number: int) -> Any:
    make, items = _WORK[-1]
    return make(items[number])


def _begin() -> None:
    """A process for one core: threads of linear algebra would wait for each other. Ctrl-C reaches all processes; the first one
    ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpoolctl.threadpool_limits(1)
