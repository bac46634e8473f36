"""Stages side by side with DVC itself."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
import yaml

from softcifar.pipeline.jobs import recovery
from tests.conftest import alive
from tests.pipeline.jobs.conftest import Project, ran

# Until it is mended, a ends only when b is written down in dvc.lock, and b only when a has begun: one after the other they
# would never end.
STUDY = """
stages:
  plan:
    cmd: cut -c 1 in > p
    deps: [in]
    outs: [p]
  train:
    foreach:
      a: touch a_begun; until test -f mended || grep -q train@b dvc.lock; do sleep 0.1; done
      b: until test -f a_begun; do sleep 0.05; done
      bad: "test -f mended || { echo 'error: no luck' >&2; exit 2; }"
    do:
      cmd: ${item}; cp p o_${key}
      deps: [p]
      outs: ['o_${key}']
  evaluate:
    cmd: cat o_a o_b o_bad > e
    deps: [o_a, o_b, o_bad]
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
    for name in ("mended", "a_begun"):
        (twin.folder / name).touch()
    repro = subprocess.Popen([sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=twin.folder, env=twin.environment)

    status, said = project.run("--jobs", "2")
    assert status == 2
    assert set(ran(said)) == {"plan", "train@a", "train@b"}
    assert "  failed: no luck (log: .state/logs/train@bad.log)" in said
    assert "not run because they need one of these: evaluate\n" in said

    (project.folder / "mended").touch()
    status, said = project.run()
    assert (status, ran(said)) == (0, ["train@bad", "evaluate"])
    assert repro.wait() == 0
    assert entries(project) == entries(twin)
    assert (project.folder / "e").read_bytes() == (twin.folder / "e").read_bytes()

    (project.folder / "in").write_text("1 and what plan cuts off\n")
    shutil.rmtree(project.folder / ".state/logs")
    status, said = project.run("train")
    assert (status, ran(said)) == (0, ["plan"])  # what it wrote is what was there
    assert [path.name for path in (project.folder / ".state/logs").iterdir()] == ["plan.log"]
    assert project.run() == (0, "everything is up to date\n")


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
def test_what_dvc_refuses_ends_with_status_2_and_one_sentence(with_dvc):
    project = with_dvc(SLOW)
    lock = project.folder / "dvc.lock"
    lock.write_bytes(b"\xff\xfe\x00\x01")
    status, said = project.run()
    assert status == 2
    assert said.startswith("error: dvc status: unable to read: 'dvc.lock', is not valid utf-8")
    assert said.count("\n") == 1
    assert lock.read_bytes() == b"\xff\xfe\x00\x01"
    lock.unlink()
    status, said = project.run("slwo")
    assert status == 2
    assert said.startswith("error: dvc dag: 'slwo' does not exist as an output or a stage name in 'dvc.yaml'")
    assert said.count("\n") == 1
