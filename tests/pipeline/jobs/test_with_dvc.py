"""Stages side by side with DVC itself."""

import os
import signal
import subprocess
import sys

import pytest
import yaml

from softcifar.pipeline.jobs import recovery
from tests.conftest import alive
from tests.pipeline.jobs.conftest import Project, ran

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
    do:
      cmd: ${item}; cp p o_${key}
      deps: [p]
      outs: ['o_${key}']
  evaluate:
    cmd: cat o_a o_b > e
    deps: [o_a, o_b]
    outs: [e]
"""

# Two stages that last until a file `go` is there.
SLOW = """
stages:
  quick:
    cmd: cp in q
    deps: [in]  # without any, DVC keeps no run in its cache
    outs: [q]
  slow:
    foreach: [x, y]
    do:
      cmd: echo $PPID > dvc_${item}; echo $$ > pid_${item}; until test -f go; do sleep 0.05; done; cp q o_${item}
      deps: [q]
      outs: ['o_${item}']
"""


def entries(project: Project) -> dict:
    return yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]


@pytest.mark.slow
def test_stages_side_by_side_end_like_dvc_repro(with_dvc):
    project, twin = with_dvc(STUDY), with_dvc(STUDY, "twin")
    (twin.folder / "alone").touch()
    repro = subprocess.Popen([sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=twin.folder, env=twin.environment)
    status, said = project.run("--jobs", "2")
    assert status == 0, said
    assert set(ran(said)) == {"plan", "train@a", "train@b", "evaluate"}
    assert repro.wait() == 0
    assert entries(project) == entries(twin)
    for output in ("p", "o_a", "o_b", "e"):
        assert (project.folder / output).read_bytes() == (twin.folder / output).read_bytes()

    (project.folder / "in").write_text("1 and what plan cuts off\n")
    status, said = project.run()
    assert (status, ran(said)) == (0, ["plan"])  # DVC finds that what it wrote is what was there
    assert "Stage 'train@b' didn't change, skipping" in (project.folder / ".state/logs/train@b.log").read_text()


@pytest.mark.slow
def test_after_everything_was_killed_a_second_run_goes_on(with_dvc):
    project = with_dvc(SLOW)
    process = project.start("--jobs", "2")
    stages = project.processes("pid_x", "pid_y", "dvc_x", "dvc_y")
    process.kill()
    process.communicate()
    for stage in stages[:2]:
        os.killpg(os.getpgid(stage), signal.SIGKILL)
    while any(alive(stage) for stage in stages):
        pass
    # As if an id of a killed dvc had been given away again: to this very process.
    claims = project.folder / recovery.CLAIMS
    claims.write_text(claims.read_text().replace(str(stages[2]), str(os.getpid())))
    lock = project.folder / "dvc.lock"
    lock.write_bytes(lock.read_bytes()[:-5])  # as if dvc had been killed while it wrote
    (project.folder / "go").touch()
    status, said = project.run("--jobs", "2")
    assert status == 0, said
    assert "dvc.lock: its end is missing" in said
    assert "  from the cache  [1 of 3 stages" in said
    assert set(ran(said)) == {"slow@x", "slow@y"}
    assert (project.folder / "o_y").read_text() == "1\n"


@pytest.mark.slow
def test_what_dvc_refuses_and_what_fails_is_one_sentence(with_dvc):
    project = with_dvc("stages: {bad: {cmd: 'echo error: no luck; exit 2', outs: [o]}}")
    lock = project.folder / "dvc.lock"
    lock.write_bytes(b"\xff\xfe\x00\x01")
    status, said = project.run()
    assert status == 2
    assert said.startswith("error: dvc status: unable to read: 'dvc.lock', is not valid utf-8")
    assert said.count("\n") == 1
    assert lock.read_bytes() == b"\xff\xfe\x00\x01"
    lock.unlink()
    status, said = project.run()
    assert status == 2
    assert "  failed: no luck (log: .state/logs/bad.log)" in said
    assert "error: 1 of 1 stages failed: bad\n" in said
