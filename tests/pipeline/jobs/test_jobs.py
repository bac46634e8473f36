"""Stages side by side: a small DVC project of shell commands, run by softcifar.pipeline.jobs as a user would."""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest
import yaml

from tests.conftest import ROOT, alive

ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key != "SOFTCIFAR_WORKERS"},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "DVC_NO_ANALYTICS": "1",
    "SOFTCIFAR_DEVICE": "cpu",
    "SHELL": "/bin/sh",
}

# Until it is mended, a ends only when b is written down in dvc.lock, and b only when a has begun: one after the other they
# would never end.
STUDY = """
stages:
  plan:
    cmd: cut -c 1 in > p; echo $SOFTCIFAR_WORKERS > workers_plan
    deps: [in]
    outs: [p]
  train:
    foreach:
      a: touch a_begun; until test -f mended || grep -q train@b dvc.lock; do sleep 0.1; done; echo $SOFTCIFAR_WORKERS > out_a
      b: until test -f a_begun; do sleep 0.05; done
      bad: "test -f mended || { echo 'error: no luck' >&2; exit 2; }"
    do:
      cmd: ${item}; cp p o_${key}
      deps: [p]
      outs: ['o_${key}']
  evaluate:
    foreach: [b, bad]
    do:
      cmd: cp o_${item} e_${item}
      deps: ['o_${item}']
      outs: ['e_${item}']
"""

# Two stages that last until a file `fast` is there.
SLOW = """
stages:
  quick:
    cmd: cp in q
    deps: [in]  # without any, DVC keeps no run in its cache
    outs: [q]
  slow:
    foreach: [x, y]
    do:
      cmd: echo $$ > pid_${item}; until test -f fast; do sleep 0.05; done; cp q o_${item}
      deps: [q]
      outs: ['o_${item}']
"""


def project(folder: Path, stages: str) -> Path:
    folder.mkdir()
    (folder / "dvc.yaml").write_text(stages)
    (folder / "in").write_text("1\n")
    subprocess.run(["dvc", "init", "--quiet", "--no-scm"], cwd=folder, env=ENVIRONMENT, check=True)
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "softcifar.pipeline.jobs", *arguments]
    # A shell's background job, as this test may be, is deaf to Ctrl-C; what it starts here is not.
    hear = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, preexec_fn=hear)


def jobs(folder: Path, *arguments: str) -> tuple[int, str]:
    """(exit status, what it said)."""
    process = start(folder, *arguments)
    said = process.communicate(timeout=120)[1]
    return process.returncode, said


def ran(said: str) -> list[str]:
    return re.findall(r"^(\S+)  \d+ s$", said, re.MULTILINE)


def entries(folder: Path) -> dict:
    return yaml.safe_load((folder / "dvc.lock").read_text())["stages"]


def test_independent_stages_overlap_and_a_failed_one_holds_up_only_what_needs_it(tmp_path):
    folder = project(tmp_path / "project", STUDY)
    twin = tmp_path / "twin"
    shutil.copytree(folder, twin)

    status, said = jobs(folder, "--jobs", "2")
    assert status == 2
    assert set(ran(said)) == {"plan", "train@a", "train@b", "evaluate@b"}
    assert "train@bad  failed after " in said
    assert "error: 1 of 5 stages failed" in said
    assert "train@bad: no luck (log: .state/logs/train@bad.log)" in said
    assert "not run because they need one of these: evaluate@bad\n" in said
    assert "error: no luck" in (folder / ".state/logs/train@bad.log").read_text()
    cores = joblib.cpu_count()
    assert (folder / "workers_plan").read_text() == f"{cores}\n"  # it was alone
    assert (folder / "out_a").read_text() == f"{max(1, cores // 2)}\n"

    assert list(entries(folder)) == ["plan", "train@a", "train@b", "evaluate@b"]  # though b was done first

    (folder / "mended").touch()
    status, said = jobs(folder)
    assert status == 0
    assert ran(said) == ["train@bad", "evaluate@bad"]
    (twin / "mended").touch()
    (twin / "a_begun").touch()
    subprocess.run(["dvc", "repro", "--quiet"], cwd=twin, env=ENVIRONMENT, check=True)
    assert entries(folder) == entries(twin)
    assert (folder / "e_bad").read_text() == (twin / "e_bad").read_text()

    shutil.rmtree(folder / ".state/logs")
    status, said = jobs(folder)
    assert (status, said) == (0, "everything is up to date\n")
    assert not (folder / ".state/logs").exists()  # no stage's dvc was started

    (folder / "in").write_text("1 and what plan cuts off\n")
    status, said = jobs(folder, "train")
    assert (status, ran(said)) == (0, ["plan"])
    assert [path.name for path in (folder / ".state/logs").iterdir()] == ["plan.log"]


def wait_for(*paths: Path) -> list[int]:
    """The process ids that stages have written into these files."""
    deadline = time.monotonic() + 60
    while not all(path.exists() and path.read_text().strip() for path in paths):
        assert time.monotonic() < deadline, f"{paths} are not there"
        time.sleep(0.05)
    found = [int(path.read_text()) for path in paths]
    for path in paths:
        path.unlink()
    return found


@pytest.fixture
def slow(tmp_path):
    """A project with stages that last until they are let go; at the end they are, however the test ends."""
    folder = project(tmp_path / "project", SLOW)
    yield folder
    (folder / "fast").touch()


def end(process: int) -> None:
    """SIGKILL to the group; it takes a moment until nothing holds its locks."""
    os.killpg(os.getpgid(process), signal.SIGKILL)
    while alive(process):
        time.sleep(0.02)


def test_an_interrupted_and_a_killed_run_leave_nothing_that_hinders_the_next(slow):
    folder = slow
    files = [folder / "pid_x", folder / "pid_y"]

    process = start(folder, "--jobs", "2")
    stages = wait_for(*files)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "stopping what runs; once more to kill it\n" in said
    assert "stopped; what has been finished is kept, run it again to go on" in said
    assert not any(alive(each) for each in stages)

    process = start(folder, "--jobs", "2")
    stages = wait_for(*files)
    process.kill()
    process.communicate()
    status, said = jobs(folder)  # the stages are still at work
    assert status == 2
    assert said == (
        "error: .state/jobs.lock: another run, or a stage that a killed run left behind, is at work here; "
        "wait for it or stop it\n"
    )
    for each in stages:
        end(each)
    lock = (folder / "dvc.lock").read_bytes()
    (folder / "dvc.lock").write_bytes(lock[:-5])  # as if DVC had been killed while it wrote
    (folder / "fast").touch()
    status, said = jobs(folder, "--jobs", "2")
    assert status == 0, said
    assert "dvc.lock: its end is missing" in said
    assert re.search(r"^quick  \d+ s, from the cache$", said, re.MULTILINE)
    assert set(ran(said)) == {"slow@x", "slow@y"}


@pytest.mark.parametrize(
    ("arguments", "stages", "message"),
    [
        (("--jobs", "0"), "", "--jobs: found '0'; allowed: a whole number from 1 up"),
        (("--jobs", "x"), "", "--jobs: found 'x'; allowed: a whole number from 1 up"),
        ((), None, "dvc.yaml: not found in this folder; run softcifar.pipeline.jobs in the project's folder"),
        ((), "stages: {}", "dvc status: you are not inside of a DVC repository"),
    ],
)
def test_mistakes_end_with_status_2_and_one_sentence(tmp_path, arguments, stages, message):
    if stages is not None:
        (tmp_path / "dvc.yaml").write_text(stages)
    status, said = jobs(tmp_path, *arguments)
    assert status == 2
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1
