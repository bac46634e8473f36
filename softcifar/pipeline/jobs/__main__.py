"""Run the stages of the study side by side, as far as they do not need each other: python -m softcifar.pipeline.jobs."""

import argparse
import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from softcifar.errors import UserError
from softcifar.pipeline.jobs.resources import Resources
from softcifar.pipeline.jobs.runner import Runner, Stop
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
    stop = Stop()
    with only_run_here() as lock:
        resources = Resources.found(int(arguments.jobs) if arguments.jobs else None)
        raise SystemExit(Runner(resources, lock, stop).run(arguments.targets))


@contextmanager
def only_run_here() -> Iterator[int]:
    """Refuse a second run in this folder; gives a file descriptor to be inherited by what is started.

    So the folder stays taken as long as a stage runs on that a killed run has left behind.
    """
    RUN_LOCK.parent.mkdir(exist_ok=True)
    with open(RUN_LOCK, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{RUN_LOCK}: another run, or a stage that a killed run left behind, is at work here; wait for it or stop it"
            ) from None
        yield file.fileno()


if __name__ == "__main__":
    run(main)
