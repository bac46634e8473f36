"""Tasks for workers, which import them by name."""

import os
import signal
import time
from pathlib import Path

import torch

from softcifar.errors import UserError


def square(offset: int, number: int, report) -> int:
    report(number, "seen")
    return number**2 + offset


def surroundings_of(task: int, report) -> tuple[int, int, str]:
    return os.getpid(), torch.get_num_threads(), os.environ["SOFTCIFAR_DEVICE"]


def meet(folder: Path, number: int, report) -> bool:
    """Ends only when the other task has begun as well."""
    (folder / str(number)).touch()
    for _ in range(600):
        if (folder / str(1 - number)).exists():
            return True
        time.sleep(0.05)
    return False


def stumble(folder: Path, number: int, report) -> int:
    if number == 1:
        raise UserError("the second task stumbled")
    time.sleep(30)  # ended by the other one's error
    (folder / "slept").touch()
    return number


def die(number: int, report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def divide(number: int, report) -> float:
    return 1 / 0


def tensor(number: int, report) -> dict:
    return {"weights": torch.full((1000,), float(number))}


def live(folder: Path, number: int, report) -> None:
    (folder / str(number)).write_text(str(os.getpid()))
    time.sleep(600)
