"""Runs of softcifar.pipeline.jobs as a user starts them."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, alive, with_ears


class Project:
    """A folder with a dvc.yaml, and runs of its stages."""

    def __init__(self, folder: Path, dvc_yaml: str, python_path: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "dvc.yaml").write_text(dvc_yaml)
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "SOFTCIFAR_WORKERS"},
            "PYTHONPATH": python_path,
            "DVC_NO_ANALYTICS": "1",
            "SOFTCIFAR_DEVICE": "cpu",
            "SHELL": "/bin/sh",
        }

    def start(self, *arguments: str, first: str = "", **options: object) -> subprocess.Popen:
        """first: see `with_ears`."""
        command = with_ears(sys.executable, "-m", "softcifar.pipeline.jobs", *arguments, first=first)
        options = {"stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, **options)

    def run(self, *arguments: str) -> tuple[int, str]:
        """(exit status, what it said)."""
        process = self.start(*arguments)
        said = process.communicate(timeout=120)[1]
        return process.returncode, said

    def processes(self, *files: str) -> list[int]:
        """The process ids that stages have written into these files, which are removed."""
        paths = [self.folder / file for file in files]
        deadline = time.monotonic() + 60
        while not all(path.exists() and path.read_text().strip() for path in paths):
            assert time.monotonic() < deadline, f"{files} are not there"
            time.sleep(0.02)
        found = [int(path.read_text()) for path in paths]
        for path in paths:
            path.unlink()
        return found


@pytest.fixture
def with_stand_in(tmp_path):
    """Make a project of these stages, {name: (command, stages right before it)}, with a dvc that starts at once.

    A stage that waits for the file `go` ends at the latest when the test does.
    """
    made = []

    def make(stages: dict[str, tuple[str, list[str]]]) -> Project:
        stand_in = Path(__file__).with_name("stand_in")
        made.append(Project(tmp_path / "project", json.dumps(stages), f"{stand_in}{os.pathsep}{ROOT}"))
        return made[-1]

    yield make
    for project in made:
        (project.folder / "go").touch()


@pytest.fixture
def with_dvc(tmp_path):
    """Make a project of this dvc.yaml, with DVC itself."""

    def make(dvc_yaml: str, name: str = "project") -> Project:
        project = Project(tmp_path / name, dvc_yaml, str(ROOT))
        (project.folder / ".dvc").mkdir()
        (project.folder / ".dvc/config").write_text("[core]\n    no_scm = True\n")
        (project.folder / "in").write_text("1\n")
        return project

    return make


def ran(said: str) -> list[str]:
    """The stages that ran, by the lines of a run that no one watches."""
    return re.findall(r"^(\S+)  \d\d:\d\d  \[\d+ of \d+ stages[^\]]*\]$", said, re.MULTILINE)


def gone(*processes: int) -> bool:
    """Whether these processes end within a moment."""
    deadline = time.monotonic() + 10
    while any(alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(alive(process) for process in processes)
