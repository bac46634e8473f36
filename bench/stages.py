"""The seconds around the training: until a stage's first step, the report, a pipeline with nothing to do; and memory.

In a copy of the project in a temporary folder, with the smoke study and one more student, a ResNet-20 with batches of 128. All
stages before the report are run once, in one process; then some are timed as a user meets them, each in a process of its own.
`dvc commit` records them all, so that `dvc repro` finds nothing to do.

first step  from the start of `python -m stages.train` to the end of its first training step, nothing kept from before
memory      the largest process of a stage (ru_maxrss); the runs train one after the other in one process, as every first run
            of a choice does (search: 1); on a GPU also what it allocated there
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench.apart import Apart
from bench.rows import Row, median_row
from softcifar.errors import UserError
from softcifar.execution.device import pick, resolve_precision, threads
from softcifar.progress import bar

ROOT = Path(__file__).parents[1]
STUDENT = "resnet20"
# A small process in between: a process's ru_maxrss begins with the memory of the one that started it, here a large one.
WATCH = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in
IN_TURN = """
import runpy, sys
for command in sys.argv[1:]:
    stage, *item = command.split()
    sys.argv = [stage, *item]
    runpy.run_module(f"stages.{stage}", run_name="__main__")
"""


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its seconds, the most memory that it or one of its children had, in bytes."""

    started: float  # seconds since 1970
    seconds: float
    memory: int
    printed: str


def measure(quick: bool, _: Apart) -> list[Row]:
    rounds = 1 if quick else 3
    study = _study(quick)
    measured: dict[str, list[float]] = {}
    with bar(total=1 + 3 * rounds, what="bench stages", unit="process") as shown, TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        _prepare(folder, study)
        shown.update()
        for number in range(rounds):
            shutil.rmtree(folder / ".state")  # finished runs, which would not be trained again
            notes = Path(temporary) / f"notes_{number}"
            trained = _run(folder, sys.executable, "-m", "bench.first_step", str(notes), "train", STUDENT)
            shown.update()
            noted = {kind: float(value) for kind, value in (line.split() for line in notes.read_text().splitlines())}
            reported = _run(folder, sys.executable, "-m", "stages.report")
            shown.update()
            if number == 0:
                _record(folder)
            # The student's files are the same bytes as before, so there is nothing to do.
            idle = _run(folder, "dvc", "repro")
            if "Running stage" in idle.printed:
                raise UserError("bench: dvc repro ran a stage again whose inputs had not changed, so it was not idle")
            shown.update()
            values = {
                "train, until torch is imported": noted["torch"] - trained.started,
                "train, from there to the first step": noted["step"] - noted["torch"],
                "train, to the first step": noted["step"] - trained.started,
                "train, whole stage": trained.seconds,
                "report": reported.seconds,
                "dvc repro, nothing to do": idle.seconds,
                "train, memory": trained.memory / 2**20,
                "report, memory": reported.memory / 2**20,
            }
            if "memory" in noted:
                values["train, GPU memory"] = noted["memory"] / 2**20
            for name, value in values.items():
                measured.setdefault(name, []).append(value)
    device = pick()
    cases = {
        "train": f"{STUDENT}, {study['data']['sizes']['train']} images, {study['seeds']['runs']} run(s)",
        "report": f"{len(study['students'])} student(s), {study['seeds']['runs']} run(s)",
        "dvc repro": f"{len(study['students'])} student(s)",
    }
    where = {"device": device.type, "threads": threads()}
    return [
        median_row(
            name,
            cases[name.split(",")[0]],
            values,
            "MiB" if name.endswith("memory") else "s",
            **where,
            precision=resolve_precision(study["recipe"]["precision"], device) if name.startswith("train") else "-",
            workers=1,
        )
        for name, values in measured.items()
    ]


def _study(quick: bool) -> dict:
    """The smoke study with a ResNet-20; quick: with that student alone."""
    study = yaml.safe_load((ROOT / "studies/smoke/params.yaml").read_text())
    study["recipe"]["precision"] = "auto"
    student = {"labels": "hard", "network": STUDENT, "batch_size": 128}
    if not quick:
        study["students"][STUDENT] = student
        return study
    study["seeds"] = {"runs": 1, "search": 1, "init": 0, "order": 0}
    study["datasets"] = {"shapes": {"source": "shapes", "train": 300, "test": 50}}
    study["data"] |= {"sizes": {"train": 200, "validation": 50, "test": 50}, "ood": {}}
    study["teachers"], study["labels"], study["students"] = {}, {"hard": {"source": "hard"}}, {STUDENT: student}
    for section in ("distillation", "surrogates", "illustrations"):
        del study[section]
    study["evaluation"]["attacks"] = {"fgsm": {**study["evaluation"]["attacks"]["fgsm"], "images": 20}}
    study["evaluation"]["shifts"] |= {"corruptions": [], "severities": [], "covered": [], "visible": []}
    study["report"]["reference"] = STUDENT
    return study


def _prepare(folder: Path, study: dict) -> None:
    """Copy the project to `folder` and run every stage of the study there but the report."""
    folder.mkdir()
    for name in ("softcifar", "stages", "bench"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in ("models/teachers", "data/labels", "data/surrogates"):  # stages depend on them, and a study may have none
        (folder / name).mkdir(parents=True)
        (folder / name / ".gitkeep").touch()
    (folder / "params.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    commands = [
        "plan",
        *(f"download {name}" for name in study["datasets"]),
        "prepare",
        *(f"teach {name}" for name in study["teachers"]),
        *(f"soften {name}" for name in study["labels"]),
        *(f"train {name}" for name in study["students"]),
        *(f"surrogate {name}" for name in study.get("surrogates", {})),
        *(f"evaluate {name}" for name in study["students"]),
        *(f"distill {name}" for name in study.get("distillation", {}).get("students", {})),
        *(f"illustrate {name}" for name in study.get("illustrations", {})),
    ]
    _run(folder, sys.executable, "-c", IN_TURN, *commands)


def _record(folder: Path) -> None:
    """Tell DVC that every stage has run."""
    _run(folder, "git", "init", "--quiet")
    _run(folder, "dvc", "init", "--quiet")
    _run(folder, "dvc", "commit", "--force", "--quiet")


def _run(folder: Path, *command: str) -> Ended:
    """Run a command to its end in `folder`; UserError with the last line it printed where it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with open(folder.parent / "log", "w+") as log:
        started, clock = time.time(), time.perf_counter()
        process = subprocess.run(
            [sys.executable, "-S", "-E", "-c", WATCH, folder.parent / "memory", *command],
            cwd=folder, env=os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}, stdout=log, stderr=log,
        )  # fmt: skip
        seconds = time.perf_counter() - clock
        log.seek(0)
        printed = log.read()
        if process.returncode:
            last = (printed.strip() or "nothing was printed").splitlines()[-1]
            raise UserError(f"bench: '{' '.join(command)[-80:]}' ended with {process.returncode}: {last}")
    return Ended(started, seconds, int((folder.parent / "memory").read_text()) * KILOBYTE, printed)
