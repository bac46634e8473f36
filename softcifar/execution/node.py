"""What runs on a cluster's node."""

import contextlib
import functools
import os
import platform
from collections.abc import Callable
from importlib import metadata
from typing import Any

import torch

from softcifar.execution.device import pick

Facts = dict[str, str]


def run_on_node(function: Callable, task: object, reports: Any, environment: dict[str, str]) -> tuple[Facts, Any]:
    """function(task, report), and what about this machine can change a result's bytes."""
    os.environ.update({name: value for name, value in environment.items() if name != "SOFTCIFAR_EXECUTOR"})
    os.environ["SOFTCIFAR_EXECUTOR"] = "local"  # a task that maps over something itself stays on this node
    os.environ["SOFTCIFAR_WORKERS"] = "1"
    device = pick()
    result = function(task, functools.partial(_report, reports))
    processor = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    packages = {name: metadata.version(name) for name in ("torch", "torchvision", "numpy")}
    return {"Python": platform.python_version(), **packages, "device": device.type, "processor": processor}, result


def _report(reports: Any, *reported: object) -> None:
    """Waits until the report has arrived, so that none is missing when the task has ended."""
    import ray

    with contextlib.suppress(ray.exceptions.RayActorError):  # the display alone is lost with it
        if reports:
            ray.get(reports.add.remote(*reported))
