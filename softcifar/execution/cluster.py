"""Tasks on a Ray cluster: one per GPU where the cluster has GPUs, else one per `threads()` cores."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import softcifar
from softcifar.errors import UserError
from softcifar.execution.device import threads
from softcifar.execution.node import Facts, run_on_node

RETRIES = 5  # of a task whose process or machine died; it goes on after its last whole epoch where the study's folder is shared
SECONDS = 1.0  # between two fetches of what the tasks reported


def run_on_ray(function: Callable, tasks: list, progress: Callable[..., None] | None, done: Callable[[int, Any], None]) -> list:
    """See softcifar.execution.run_all. Raises UserError where Ray is missing, no cluster answers, or its nodes differ."""
    ray = _connected(os.environ["SOFTCIFAR_EXECUTOR"])
    with_gpu = os.environ.get("SOFTCIFAR_DEVICE") != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1
    reports = ray.remote(Reports).options(num_cpus=0).remote() if progress else None
    remote = ray.remote(run_on_node).options(
        num_cpus=threads(), num_gpus=1 if with_gpu else 0, max_retries=RETRIES, retry_exceptions=False
    )
    shared = ray.put(function)  # once, however many tasks there are
    environment = {name: value for name, value in os.environ.items() if name.startswith("SOFTCIFAR_")}
    waiting = {remote.remote(shared, task, reports, environment): number for number, task in enumerate(tasks)}
    results: dict[int, Any] = {}
    facts: dict[int, Facts] = {}
    try:
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1, timeout=SECONDS)
            _show(ray, reports, progress)
            for reference in ready:
                number = waiting.pop(reference)
                facts[number], results[number] = _result(ray, reference)
                require_alike(list(facts.values()))
                done(number, results[number])
        _show(ray, reports, progress)
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)
    return [results[number] for number in range(len(tasks))]


class Reports:
    """An actor that holds what tasks reported until it is fetched."""

    def __init__(self) -> None:
        self.held: list[tuple] = []

    def add(self, *reported: object) -> None:
        self.held.append(reported)

    def drain(self) -> list[tuple]:
        held, self.held = self.held, []
        return held


def _connected(executor: str) -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise UserError(
            f"SOFTCIFAR_EXECUTOR: found '{executor}', but Ray is not installed; run pip install 'softcifar[ray]'"
        ) from None
    if ray.is_initialized():
        return ray
    # Nodes get this very code, whatever version they have installed; packages such as torch they bring themselves.
    settings = {"runtime_env": {"py_modules": [str(Path(softcifar.__file__).parent)]}, "log_to_driver": False}
    settings |= {"address": executor} if executor != "ray" else {}
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            ray.init(**settings, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(f"SOFTCIFAR_EXECUTOR: found '{executor}', where no Ray cluster can be reached ({error})") from None
    return ray


def _show(ray: Any, reports: Any, progress: Callable[..., None] | None) -> None:
    # Only the display is lost with the machine that held the reports.
    with contextlib.suppress(ray.exceptions.RayActorError):
        for reported in ray.get(reports.drain.remote()) if reports else []:
            progress(*reported)


def _result(ray: Any, reference: Any) -> tuple[Facts, Any]:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise UserError(str(error.cause)) from None
        raise
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError) as error:
        raise UserError(
            f"SOFTCIFAR_EXECUTOR: a task died {RETRIES + 1} times with its process or machine ({type(error).__name__}); "
            "what is finished is kept, so run again"
        ) from None


def require_alike(facts: list[Facts]) -> None:
    """Raise UserError where the last node differs from the first: numbers of one stage are compared with each other."""
    for key, first in facts[0].items():
        other = facts[-1][key]
        if other != first:
            raise UserError(
                f"SOFTCIFAR_EXECUTOR: the cluster's nodes differ in {key} ({first} and {other}); allowed: equal nodes"
            )
