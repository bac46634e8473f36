"""What is noted of a finished stage beside its output, in a file that no stage reads and DVC does not track."""

import json
import os
import platform
import socket
import sys
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from softcifar.errors import UserError
from softcifar.files import read_json, write_text

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn")  # whose versions may change a result
FINISHED = "%Y-%m-%d %H:%M:%S %z"  # how the end of a stage is written


def installed() -> dict[str, str]:
    """{package: version} as installed, without importing them for it."""
    return {name: metadata.version(name) for name in PACKAGES}


def write_run_record(output: Path, started: float, plan: str | None) -> None:
    """Write <output>.run.json: when, where, how long (seconds since `started`), with which packages, by what plan.

    plan: the md5 of the entry's file, as dvc.lock has it. What DVC brings back from its cache keeps the record of another run.
    """
    torch = sys.modules.get("torch")  # a stage without networks need not load it
    record = {
        "plan": plan,
        "finished": time.strftime(FINISHED),
        "seconds": round(time.time() - started, 1),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch else 1,
        "python": platform.python_version(),
        "versions": installed(),
    }
    write_text(record_of(output), json.dumps(record, indent=1) + "\n")


def record_of(output: Path) -> Path:
    return output.with_name(output.name + ".run.json")


def made_with_others(outputs: Iterable[Path]) -> dict[str, list[Path]]:
    """{'torch 2.14.0 (now 2.15.0)': outputs} of finished stages whose packages had other versions than are installed."""
    now, others = installed(), {}
    for output in outputs:
        for package, version in _noted(record_of(output)).items():
            if output.exists() and version != now.get(package):
                others.setdefault(f"{package} {version} (now {now.get(package, 'not installed')})", []).append(output)
    return others


def _noted(record: Path) -> dict[str, str]:
    try:
        return read_json(record).get("versions", {})
    except (UserError, AttributeError):
        return {}  # a record that is missing or damaged says nothing
