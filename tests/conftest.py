"""What several test files share: params to vary, and a small prepared study."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """Runs and folds train one after the other in the test's own process; tests of the other ways say so."""
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "1")


@pytest.fixture
def smoke() -> dict:
    """The smoke preset as plain data, to be changed at will."""
    return yaml.safe_load((ROOT / "studies/smoke/params.yaml").read_text())


def alive(process: int) -> bool:
    """Whether a process is at work: there, and not only waiting to be noticed as dead."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _write_changed(path: Path, params: dict, changes: dict) -> Path:
    params = json.loads(json.dumps(params))  # sections that YAML shares by an alias become two
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = params
        for parent in parents:
            section = section[parent]
        if value is None:
            del section[last]
        else:
            section[last] = value
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    return path


@pytest.fixture
def write_params(tmp_path, smoke):
    """write_params({'students.hard.lr': 'fast'}) -> path of smoke's params with these keys set (None removes a key)."""
    return lambda changes: _write_changed(tmp_path / "params.yaml", smoke, changes)


@pytest.fixture
def write_simulations(tmp_path):
    """The same for a study of simulations, the gaussians preset."""
    gaussians = yaml.safe_load((ROOT / "studies/gaussians/params.yaml").read_text())
    return lambda changes: _write_changed(tmp_path / "params.yaml", gaussians, changes)


@pytest.fixture
def splits():
    """Two easy classes of 8x8 images (dark, light): (train of 60, validation of 20, manifest)."""
    from softcifar.data.splits import Split

    def split(count: int, seed: int) -> Split:
        rng = np.random.default_rng(seed)
        labels = np.arange(count) % 2
        images = rng.integers(0, 120, (count, 8, 8, 3)) + 100 * labels[:, None, None, None]
        return Split(images.astype(np.uint8), labels, np.arange(count))

    manifest = {"classes": ["dark", "light"], "image_shape": [8, 8, 3], "mean": [0.4] * 3, "std": [0.25] * 3}
    return split(60, 0), split(20, 1), manifest


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """(folder, params) of a fabricated study with its report written, for all files of tests; only to be read."""
    from tests.report.fixture import make_study, write

    root = tmp_path_factory.mktemp("study")
    params = make_study(root)
    write(root, params)
    return root, params


class Workspace:
    """A copy of the project in which stages and `dvc` can be run as a user would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, params: dict) -> "Workspace":
        folder.mkdir(parents=True)
        for name in ("softcifar", "stages", "studies"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
            shutil.copyfile(ROOT / name, folder / name)
        for name in ("models/teachers", "data/labels", "data/surrogates"):  # stages depend on them, and a study may have none
            (folder / name).mkdir(parents=True)
            (folder / name / ".gitkeep").touch()
        workspace = cls(folder)
        workspace.set_params(params)
        return workspace

    def copy(self, folder: Path) -> "Workspace":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder)

    def set_params(self, params: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    @property
    def environment(self) -> dict:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        given = {name: value for name, value in os.environ.items() if name != "SOFTCIFAR_WORKERS"}
        return given | {"PATH": path, "DVC_NO_ANALYTICS": "1"}

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def stage(self, script: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        return self.run(sys.executable, "-m", f"stages.{script}", *arguments, check=check)

    def repro(self, *targets: str) -> list[str]:
        """Run `dvc repro`; the stages that ran, in order."""
        out = self.run("dvc", "repro", *targets).stdout
        return [line.split("'")[1] for line in out.splitlines() if line.startswith("Running stage '")]
