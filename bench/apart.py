"""A process of its own, with several threads: what runs there leaves none in the process that forks workers."""

import importlib
import multiprocessing
import signal
from multiprocessing.connection import Connection

import torch


class Apart:
    """`with Apart(threads) as apart: apart("module", "function", *arguments)` gives what that function returns there.

    The process starts with the first call; what a function keeps there stays until the process ends. Its exceptions are
    raised here.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.process: multiprocessing.Process | None = None

    def __enter__(self) -> "Apart":
        return self

    def __call__(self, module: str, function: str, *arguments: object) -> object:
        if self.process is None:
            self._start()
        self.connection.send((module, function, arguments))
        failed, answer = self.connection.recv()
        if failed:
            raise answer
        return answer

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.threads))  # no daemon: loaders start processes
        self.process.start()
        theirs.close()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.connection.close()
            self.process.join(timeout=10)
            self.process.terminate()


def _serve(connection: Connection, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the one that called ends this one
    torch.set_num_threads(threads)  # whatever OMP_NUM_THREADS says
    while True:
        try:
            module, function, arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((False, getattr(importlib.import_module(module), function)(*arguments)))
        except Exception as error:
            connection.send((True, error))
