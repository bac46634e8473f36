"""Run the stages of the study side by side, as far as they do not need each other: python -m softcifar.pipeline.jobs."""

import argparse
import fcntl
import os
import re
from pathlib import Path

from softcifar.errors import UserError
from softcifar.pipeline.jobs.resources import Resources
from softcifar.pipeline.jobs.runner import Runner
from softcifar.pipeline.stage import run

RUN_LOCK = Path(".state/jobs.lock")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m softcifar.pipeline.jobs", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("--jobs", metavar="N", help="stages at a time; default: number of GPUs, without any of CPU cores")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="stages to bring up to date, train or train@hard; all")
    arguments = parser.parse_args()
    if not Path("dvc.yaml").is_file():
        raise UserError("dvc.yaml: not found in this folder; run softcifar.pipeline.jobs in the project's folder")
    if arguments.jobs is not None and not re.fullmatch(r"0*[1-9][0-9]*", arguments.jobs):
        raise UserError(f"--jobs: found '{arguments.jobs}'; allowed: a whole number from 1 up")
    resources = Resources.found(arguments.jobs and int(arguments.jobs))
    raise SystemExit(Runner(resources, lock_folder()).run(arguments.targets))


def lock_folder() -> int:
    """Refuse a second run in this folder; dvc inherits the descriptor, so it stays locked while a killed run's dvc lives."""
    RUN_LOCK.parent.mkdir(exist_ok=True)
    lock = os.open(RUN_LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{RUN_LOCK}: a run, or what a killed run left, is at work here; wait for it or stop it") from None
    return lock


if __name__ == "__main__":
    run(main)
