"""What several test files share: params to vary, a small prepared study, and what is made once for all workers of a run."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest
import torch
import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
# Whatever the environment says: without compiled files each of the hundreds of processes that tests start would compile all of
# torch and pandas anew, which takes longer than most stages.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # where a test uses Ray, gRPC keeps its hands off what later tests fork
torch.set_num_threads(1)  # as the stages have; the other cores have tests of their own


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """pytest -n auto: as many as the cores that this process may use; more than 8 wait for each other."""
    return min(joblib.cpu_count(), 8)


def study_file(name: str) -> Path:
    """Where the params of a study lie."""
    return ROOT / "studies" / name / "params.yaml"


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """Runs and folds train one after the other in the test's own process; tests of the other ways say so."""
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "1")


@pytest.fixture
def smoke() -> dict:
    """The smoke study as plain data, to be changed at will."""
    return yaml.safe_load(study_file("smoke").read_text())


def alive(process: int) -> bool:
    """Whether a process is at work: there, and not only waiting to be noticed as dead."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def with_ears(*command: str, first: str = "") -> list[str]:
    """The command, to be run by a process that Ctrl-C reaches; what a shell's background job starts, as a test may be, is deaf.

    first: further statements that the process runs before it becomes the command. A preexec_fn would do this in a fork of the
    tests' process, with all hooks for forks that a library has left there: gRPC's, once a test has used Ray, may abort it.
    """
    statements = ["import os, signal, sys", "signal.signal(signal.SIGINT, signal.SIG_DFL)", first]
    become = [*statements, "os.execv(sys.argv[1], sys.argv[1:])"]
    return [sys.executable, "-I", "-S", "-c", "\n".join(become), *command]


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
    """The same for a study of simulations, gaussians."""
    gaussians = yaml.safe_load(study_file("gaussians").read_text())
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
def shared(tmp_path_factory) -> Path:
    """A folder that all workers of this run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="module")
def alone(shared, request):
    """The tests of one module that asks for this run in one worker at a time: they take what a machine has only once."""
    with FileLock(shared / f"{request.module.__name__}.alone"):
        yield


@pytest.fixture(scope="session")
def made_once(shared):
    """made_once(name, make): the folder that make(folder) filled for the first worker that asked; to be read only."""

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
                make(folder)
                done.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def smoke_study(made_once) -> "Workspace":
    """The smoke study, run from params to page by `dvc repro`, its networks side by side; tests work on copies of it."""

    def make(folder: Path) -> None:
        workspace = Workspace.create(folder, yaml.safe_load(study_file("smoke").read_text()), dvc=True)
        ran = workspace.repro()
        assert ran[0] == "plan"
        assert ran[-1] == "report"

    return Workspace(made_once("smoke", make))


@pytest.fixture(scope="session")
def code():
    """The project's code as fingerprints see it; reading it takes a second or two."""
    from softcifar.pipeline.fingerprint import Code

    return Code(ROOT)


@pytest.fixture(scope="session")
def study(made_once):
    """(folder, params) of a fabricated study with its report written, for all files of tests; only to be read."""
    from tests.report.fixture import make_study, write

    def make(root: Path) -> None:
        params = make_study(root)
        write(root, params)
        (root / "made.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    root = made_once("study", make)
    return root, yaml.safe_load((root / "made.yaml").read_text())


STAGES = """
import json, runpy, sys
for stage, *arguments in json.loads(sys.argv[1]):
    sys.argv = [stage, *arguments]
    runpy.run_module(f"stages.{stage}", run_name="__main__")
"""


class Workspace:
    """A copy of the project in which stages and `dvc` can be run as a user would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, params: dict, dvc: bool = False) -> "Workspace":
        folder.mkdir(parents=True)
        for name in ("softcifar", "stages"):
            # With what is compiled, which is known by its source's time; but for what other workers are just compiling.
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
            shutil.copyfile(ROOT / name, folder / name)
        for kept in ROOT.glob("*/*/.gitkeep"):  # stages depend on these folders, and a study may have nothing in them
            (folder / kept.relative_to(ROOT)).parent.mkdir(parents=True)
            (folder / kept.relative_to(ROOT)).touch()
        workspace = cls(folder)
        workspace.set_params(params)
        if dvc:
            workspace.run("git", "init", "--quiet")
            workspace.run("dvc", "init", "--quiet")
        return workspace

    def copy(self, folder: Path) -> "Workspace":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder)

    def set_params(self, params: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    @property
    def environment(self) -> dict:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def stage(self, script: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        return self.run(sys.executable, "-m", f"stages.{script}", *arguments, check=check)

    def stages(self, *commands: tuple[str, ...], check: bool = True) -> subprocess.CompletedProcess:
        """Stages one after the other in one process, which imports torch only once: stages(("plan",), ("train", "hard"))."""
        return self.run(sys.executable, "-c", STAGES, json.dumps(commands), check=check)

    def repro(self, *targets: str) -> list[str]:
        """Run `dvc repro`; the stages that ran, in order."""
        out = self.run("dvc", "repro", *targets).stdout
        return [line.split("'")[1] for line in out.splitlines() if line.startswith("Running stage '")]
