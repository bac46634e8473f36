"""Tasks in this process, or side by side in several processes of this machine, each on its own share of it."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from softcifar.errors import UserError
from softcifar.execution.device import pick, threads, workers


def run_local(function: Callable, tasks: list, progress: Callable[..., None] | None, done: Callable[[int, Any], None]) -> list:
    """See softcifar.execution.run_all."""
    progress = progress or _nobody
    devices = workers()[: len(tasks)]
    results = {}
    if len(devices) <= 1:
        pick()
        for number, task in enumerate(tasks):
            results[number] = function(task, progress)
            done(number, results[number])
    else:
        for number, result in _in_processes(function, tasks, progress, devices):
            results[number] = result
            done(number, result)
    return [results[number] for number in range(len(tasks))]


def _in_processes(function: Callable, tasks: list, progress: Callable[..., None], devices: list[str]):
    """(number, result) of the tasks as they end. A worker takes the next task when it has ended one."""
    context = multiprocessing.get_context(_start_method(devices))
    waiting = list(reversed(list(enumerate(tasks))))
    processes: dict[Connection, multiprocessing.Process] = {}
    try:
        for device in devices:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(function, theirs, device), daemon=True)
            process.start()
            theirs.close()
            processes[ours] = process
            ours.send(waiting.pop())
        busy = set(processes)
        while busy:
            for connection in wait(busy):
                try:
                    kind, *content = connection.recv()
                except (EOFError, ConnectionResetError):
                    raise _died(processes[connection]) from None
                if kind == "reported":
                    progress(*content)
                    continue
                number, pickled = content
                result = pickle.loads(pickled)
                if kind == "failed":
                    raise result
                if waiting:
                    connection.send(waiting.pop())
                else:
                    busy.remove(connection)
                yield number, result
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.join()


def _start_method(devices: list[str]) -> str:
    """'fork' costs no second import of torch, but CUDA, several OpenMP threads and macOS do not survive it."""
    return "fork" if devices[0] == "cpu" and threads() == 1 and sys.platform == "linux" else "spawn"


def _work(function: Callable, connection: Connection, device: str) -> None:
    """A worker's whole life: receive tasks, send back what they report and return."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["SOFTCIFAR_DEVICE"] = device
    pick()
    while True:
        number, task = connection.recv()
        try:
            kind, result = "done", function(task, lambda *reported: connection.send(("reported", *reported)))
        except UserError as error:
            kind, result = "failed", error
        except Exception as error:
            error.add_note(f"In a worker:\n{traceback.format_exc()}")  # where it happened is not pickled
            kind, result = "failed", error
        # Pickled here: a connection would pass tensors as handles of shared memory, which do not outlive this process.
        connection.send((kind, number, pickle.dumps(result)))


def _nobody(*_: object) -> None:
    """Reports nothing."""


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _died(process: multiprocessing.Process) -> UserError:
    process.join()
    how = signal.Signals(-process.exitcode).name if process.exitcode < 0 else f"status {process.exitcode}"
    return UserError(
        f"SOFTCIFAR_WORKERS: one of the processes that train side by side ended with {how}, as happens where memory runs out; "
        "whole epochs are kept, so run again, with fewer workers if it was memory"
    )
