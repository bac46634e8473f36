"""Stages side by side with DVC itself."""

import os
import signal
import subprocess
import sys

import pytest
import yaml

from softcifar.pipeline.jobs import recovery
from tests.pipeline.jobs.conftest import Project, gone, ran

# a ends only when b is written down in dvc.lock, and b only when a has begun: one after the other they would never end.
STUDY = """
stages:
  plan:
    cmd: cut -c 1 in > p
    deps: [in]
    outs: [p]
  train:
    foreach:
      a: touch a_begun; until test -f alone || grep -q train@b dvc.lock; do sleep 0.1; done
      b: until test -f a_begun; do sleep 0.05; done
      bad: "echo 'error: no luck' >&2; exit 2"
    do:
      cmd: ${item}; cp p o_${key}
      deps: [p]
      outs: ['o_${key}']
"""

# A stage that lasts until a file `go` is there.
SLOW = """
stages:
  quick:
    cmd: cp in q
    deps: [in]  # without any, DVC keeps no run in its cache
    outs: [q]
  slow:
    cmd: echo $PPID > dvc; echo $$ > pid; until test -f go; do sleep 0.05; done; cp q o
    deps: [q]
    outs: [o]
"""


def entries(project: Project) -> dict:
    return yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]


@pytest.mark.slow
def test_stages_side_by_side_end_like_dvc_repro(with_dvc):
    project, twin = with_dvc(STUDY), with_dvc(STUDY, "twin")
    (twin.folder / "alone").touch()
    command = [sys.executable, "-m", "dvc", "repro", "--quiet", "--keep-going"]
    repro = subprocess.Popen(command, cwd=twin.folder, env=twin.environment)
    status, said = project.run("--jobs", "2")
    assert status == 2
    assert set(ran(said)) == {"plan", "train@a", "train@b"}
    assert "  failed: no luck (log: .state/logs/train@bad.log)" in said
    assert repro.wait() != 0
    assert entries(project) == entries(twin)
    for output in ("p", "o_a", "o_b"):
        assert (project.folder / output).read_bytes() == (twin.folder / output).read_bytes()

    (project.folder / "in").write_text("1 and what plan cuts off\n")
    status, said = project.run("train@a")
    assert (status, ran(said)) == (0, ["plan"])  # DVC finds that what it wrote is what was there
    assert "Stage 'train@a' didn't change, skipping" in (project.folder / ".state/logs/train@a.log").read_text()


@pytest.mark.slow
def test_after_everything_was_killed_a_second_run_goes_on(with_dvc):
    project = with_dvc(SLOW)
    process = project.start()
    dvc, stage = project.processes("dvc", "pid")
    process.kill()
    process.communicate()
    os.killpg(os.getpgid(stage), signal.SIGKILL)
    assert gone(dvc, stage)
    # As if the id of the killed dvc had been given away again: to this very process.
    claims = project.folder / recovery.CLAIMS
    assert str(dvc) in claims.read_text()
    claims.write_text(claims.read_text().replace(str(dvc), str(os.getpid())))
    lock = project.folder / "dvc.lock"
    lock.write_bytes(lock.read_bytes()[:-5])  # as if dvc had been killed while it wrote
    (project.folder / "go").touch()
    status, said = project.run()
    assert status == 0, said
    assert "dvc.lock: its end is missing" in said
    assert "  from the cache  [1 of 2 stages" in said
    assert ran(said) == ["slow"]
    assert (project.folder / "o").read_text() == "1\n"


@pytest.mark.slow
def test_a_dvc_lock_that_is_no_text_is_one_sentence(with_dvc):
    project = with_dvc(SLOW)
    lock = project.folder / "dvc.lock"
    lock.write_bytes(b"\xff\xfe\x00\x01")
    status, said = project.run()
    assert status == 2
    assert said.startswith("error: dvc status: unable to read: 'dvc.lock', is not valid utf-8")
    assert said.count("\n") == 1
    assert lock.read_bytes() == b"\xff\xfe\x00\x01"
