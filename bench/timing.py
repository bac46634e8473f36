"""Seconds of work on a device that computes asynchronously, and of processes that work side by side."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from softcifar.errors import UserError
from softcifar.execution import Progress, run_here
from softcifar.execution.device import pick, workers

PATIENCE = 300  # seconds that a process waits for the others before it gives up


def wait_for(device: torch.device) -> None:
    """Until all work queued there is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(function: Callable[[], object], device: torch.device) -> float:
    """Of one call, from an idle device to an idle device."""
    wait_for(device)
    started = time.perf_counter()
    function()
    wait_for(device)
    return time.perf_counter() - started


def side_by_side(prepare: Callable[[Path, int], Callable[[], object]]) -> float:
    """Seconds from the first process's start to the last one's end, as many as train side by side here.

    prepare(folder, number): of a module, or functools.partial of one; called in process `number` with a temporary folder, it
    makes ready and gives the work to be timed. All wait for each other between the two.
    """
    count = len(workers())
    with TemporaryDirectory(prefix="softcifar-bench-") as folder:
        spans = run_here(functools.partial(_span, prepare, Path(folder), count), range(count))
    return max(ended for _, ended in spans) - min(started for started, _ in spans)


def _span(prepare: Callable, folder: Path, count: int, number: int, report: Progress) -> tuple[float, float]:
    work, device = prepare(folder, number), pick()
    wait_for(device)
    _meet(folder, count, number)
    started = time.monotonic()  # one clock for all processes
    work()
    wait_for(device)
    return started, time.monotonic()


def _meet(folder: Path, count: int, number: int) -> None:
    (folder / f"{number}.ready").touch()
    given_up = time.monotonic() + PATIENCE
    while len(list(folder.glob("*.ready"))) < count:
        if time.monotonic() > given_up:
            raise UserError(f"SOFTCIFAR_WORKERS: {count} processes did not all start within {PATIENCE} s; set fewer")
        time.sleep(0.002)
