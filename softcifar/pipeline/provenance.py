"""How a finished run came about, as its stages noted beside their outputs: when, how long, with which packages, on what."""

import math
import platform
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import torch

from softcifar.execution.device import cores
from softcifar.files import read_json
from softcifar.pipeline.outputs import output_of
from softcifar.pipeline.record import FINISHED, record_of
from softcifar.pipeline.stage import PLAN

ALONE = 0.95  # of the sum of the stages' times: a longer time by the clock says that they ran one after the other


@dataclass(frozen=True)
class Record:
    """What one stage noted."""

    seconds: float
    finished: str
    host: str
    versions: Mapping[str, str]
    device: str


def records(root: Path, stages: Mapping[str, Mapping]) -> dict[str, Record]:
    """{stage: its record}, of those of a dvc.lock's `stages` that left one.

    A record counts only where it names the entry of the plan that the lock names: DVC brings outputs back from its cache,
    but not what lay beside them, so it may be of another study's stage of the same name.
    """
    recorded = {}
    for name, stage in stages.items():
        output = output_of(name, root)
        if output is None or not record_of(output).exists():
            continue
        noted = read_json(record_of(output))
        if noted.get("plan") in {dep["md5"] for dep in stage.get("deps", []) if dep["path"].startswith(f"{PLAN}/")}:
            about = next(iter(sorted(output.rglob("about.json"))), None)  # one per split, where there are several
            device = read_json(about).get("device", "cpu") if about else "cpu"
            versions = {"python": noted["python"], **noted["versions"]}
            recorded[name] = Record(noted["seconds"], noted["finished"], noted["host"], versions, device)
    return recorded


def hardware(recorded: Iterable[Record]) -> str:
    """'AMD EPYC 9654, 2 cores' or with the GPU; never a host's name."""
    recorded = list(recorded)
    if not recorded:
        return "not recorded"
    if {record.host for record in recorded} != {socket.gethostname()}:
        return "not recorded: another machine than the one that published it"
    count = cores()
    known = [f"{processor()}, {count} core{'s' * (count > 1)}"]
    if any(record.device.startswith("cuda") for record in recorded):
        known.append(torch.cuda.get_device_name() if torch.cuda.is_available() else "a GPU")
    return ", ".join(known)


def processor() -> str:
    """The processor as its maker calls it."""
    listed = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", listed.read_text(), re.MULTILINE) if listed.is_file() else None
    return model[1] if model else platform.processor() or platform.machine()


def versions(recorded: Iterable[Record]) -> str:
    """'numpy 2.4.6, python 3.11.7, torch 2.15.0'; of several versions all."""
    known: dict[str, set[str]] = {}
    for record in recorded:
        for package, version in record.versions.items():
            known.setdefault(package, set()).add(version)
    return ", ".join(f"{package} {' and '.join(sorted(each))}" for package, each in sorted(known.items())) or "not recorded"


def time_taken(recorded: Mapping[str, Record]) -> str:
    """'9 min 3 s by the clock; 19 min 26 s is the sum of 19 stages', where stages ran side by side; else the sum alone."""
    if not recorded:
        return "not recorded"
    total, clock = sum(record.seconds for record in recorded.values()), by_the_clock(recorded.values())
    stages = f"the sum of {len(recorded)} stage{'s' * (len(recorded) > 1)}"
    if clock > ALONE * total:
        return f"{duration(total)}, {stages}"
    return f"{duration(clock)} by the clock; {duration(total)} is {stages}"


def by_the_clock(recorded: Iterable[Record]) -> float:
    """Seconds in which at least one of the stages ran, whatever passed between them."""
    ends = [(datetime.strptime(record.finished, FINISHED).timestamp(), record.seconds) for record in recorded]
    seconds, until = 0.0, -math.inf
    for begin, end in sorted((end - taken, end) for end, taken in ends):
        seconds += max(0.0, end - max(begin, until))
        until = max(until, end)
    return seconds


def duration(seconds: float) -> str:
    """'48 s', '12 min 5 s', '3 h 20 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
