"""Learning curves while they grow, for `dvc plots show` in the middle of a run."""

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from softcifar.files import write_text

COLUMNS = ("student", "seed", "epoch", "lr", "train_loss", "validation_nll", "validation_accuracy", "validation_ece")


class Curves:
    """The rows of one student in a CSV that all students of a study share, and that the report writes anew at the end.

    A student of several candidates has a line for each, named after its values, until validation has chosen. Stages that run
    side by side write in turn.
    """

    def __init__(self, path: Path, student: str) -> None:
        """What an earlier run left of this student goes as soon as there is an epoch to write."""
        self.path, self.student, self.begun = path, student, False

    def add(self, values: str, seed: int, rows: Iterable[Mapping[str, object]]) -> None:
        """Append epochs of one run, as softcifar.training.loop gives them; those without validation scores are no curve.

        values: of the candidate, '' where there is one.
        """
        named = [
            {"student": f"{self.student} {values}".strip(), "seed": seed, **row} for row in rows if "validation_nll" in row
        ]
        if not named:
            return
        with self._alone():
            if not self.begun:
                others = [row for row in _read(self.path) if row["student"].partition(" ")[0] != self.student]
                write_text(self.path, _lines(others, header=True))
                self.begun = True
            with open(self.path, "ab+") as file:
                if not _ends_a_line(file):  # what a killed run left
                    file.write(b"\n")
                file.write(_lines(named, header=False).encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.parent / f".{self.path.name}.part", "a") as lock:  # it goes when the report replaces the folder
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _read(path: Path) -> list[dict[str, str]]:
    """The rows that name a student; none where the file is not there or no table."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if row.get("student")]
    except (FileNotFoundError, UnicodeDecodeError, csv.Error):
        return []


def _ends_a_line(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _lines(rows: Iterable[Mapping[str, object]], *, header: bool) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
