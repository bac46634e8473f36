"""A run of stages: what overlaps, what fails, how it is stopped; dvc is a stand-in that starts at once."""

import fcntl
import os
import pty
import re
import signal
import subprocess
import termios
import time

import joblib
import pytest

from softcifar.errors import UserError
from softcifar.pipeline.jobs.__main__ import main
from tests.conftest import alive
from tests.pipeline.jobs.conftest import gone, ran

SLOW = "echo $$ > pid_{0}; until test -f go; do sleep 0.02; done"
# Ends only when train@b has, which ends only when this has begun: one after the other they would never end.
OVERLAP = "touch a_begun; until test -f train@b.done; do sleep 0.02; done; echo $SOFTCIFAR_WORKERS > workers_a"


def test_independent_stages_overlap_and_a_failed_one_holds_up_only_what_needs_it(with_stand_in):
    project = with_stand_in(
        {
            "plan": ("echo $SOFTCIFAR_WORKERS > workers_plan", []),
            "train@a": (OVERLAP, ["plan"]),
            "train@b": ("until test -f a_begun; do sleep 0.02; done", ["plan"]),
            "train@bad": ("test -f mended || { echo 'error: no luck' >&2; exit 2; }", ["plan"]),
            "evaluate@b": (":", ["train@b"]),
            "evaluate@bad": (":", ["train@bad"]),
        }
    )
    status, said = project.run("--jobs", "2")
    assert status == 2
    assert set(ran(said)) == {"plan", "train@a", "train@b", "evaluate@b"}
    assert "  failed: no luck (log: .state/logs/train@bad.log)  [" in said
    assert "error: 1 of 5 stages failed: train@bad\nnot run because they need one of these: evaluate@bad\n" in said
    assert len(said.splitlines()) == 5 + 3  # a line per event, and the end
    assert "error: no luck" in (project.folder / ".state/logs/train@bad.log").read_text()
    cores = joblib.cpu_count()
    assert (project.folder / "workers_plan").read_text() == f"{cores}\n"  # it was alone
    assert (project.folder / "workers_a").read_text() == f"{max(1, cores // 2)}\n"

    (project.folder / "mended").touch()
    status, said = project.run()
    assert (status, ran(said)) == (0, ["train@bad", "evaluate@bad"])
    assert "train@bad  00:00  [1 of 2 stages" in said


def test_nothing_is_started_for_stages_that_are_up_to_date(with_stand_in):
    trains = {f"train@{item}": (":", ["plan"]) for item in "abcd"}
    project = with_stand_in({"plan": (":", []), **trains, "report": (":", [*trains])})
    asked = project.folder / "asked"
    assert project.run("train@b")[0] == 0
    assert asked.read_text().splitlines() == ["status", "dag train@b", "repro plan", "repro train@b"]
    assert project.run()[0] == 0
    asked.unlink()
    assert project.run() == (0, "everything is up to date\n")
    assert asked.read_text() == "status\n"
    assert project.run("train@a", "train@b") == (0, "everything is up to date\n")
    asked.unlink()

    # After plan has run it is open whether the four stages behind it still are up to date: they are asked about together.
    (project.folder / "plan.done").unlink()
    status, said = project.run()
    assert (status, ran(said)) == (0, ["plan"])
    assert asked.read_text().splitlines() == ["status", "dag", "repro plan", "status"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_that_runs(with_stand_in, number):
    project = with_stand_in({"quick": (":", []), **{name: (SLOW.format(name), ["quick"]) for name in "xy"}})
    process = project.start("--jobs", "2")
    stages = project.processes("pid_x", "pid_y")
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert ran(said) == ["quick"]
    assert said.splitlines()[1:] == [
        "stopping what runs; stop it again to kill it",
        "stopped; what was trained so far is kept, run again to go on",
    ]
    assert gone(*stages)


def test_a_second_ctrl_c_kills_what_is_deaf_to_the_first(with_stand_in):
    project = with_stand_in({"deaf": (f"trap '' INT; {SLOW.format('deaf')}", [])})
    process = project.start()
    (stage,) = project.processes("pid_deaf")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert alive(stage)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=8)  # less than what it would be given otherwise
    assert process.returncode == 130
    assert gone(stage)


def test_a_dvc_that_writes_dvc_lock_is_let_finish(with_stand_in):
    project = with_stand_in({"saved": (f"echo \"Updating lock file 'dvc.lock'\"; {SLOW.format('saved')}", [])})
    process = project.start()
    (stage,) = project.processes("pid_saved")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert alive(stage)
    (project.folder / "go").touch()
    process.communicate(timeout=8)
    assert (project.folder / "saved.done").exists()


def test_a_terminal_that_is_closed_stops_all_that_runs(with_stand_in):
    project = with_stand_in({"x": (SLOW.format("x"), [])})
    ours, theirs = pty.openpty()
    take_terminal = """
import fcntl, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
"""
    process = project.start(stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, first=take_terminal)
    os.close(theirs)
    (stage,) = project.processes("pid_x")
    os.close(ours)
    assert process.wait(timeout=9) == 130
    assert gone(stage)


def test_a_run_without_ears_for_the_closing_of_its_terminal_goes_on(with_stand_in):
    """As nohup has it."""
    project = with_stand_in({"x": (SLOW.format("x"), []), "y": (":", ["x"])})
    ours, theirs = pty.openpty()
    process = project.start(stderr=theirs, first="signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    os.close(theirs)
    project.processes("pid_x")
    os.close(ours)
    time.sleep(0.3)  # the live line is drawn meanwhile
    (project.folder / "go").touch()
    assert process.wait(timeout=30) == 0
    assert (project.folder / "y.done").exists()


def test_while_a_killed_run_s_stage_is_at_work_no_other_run_begins(with_stand_in):
    project = with_stand_in({"x": (SLOW.format("x"), [])})
    process = project.start()
    (stage,) = project.processes("pid_x")
    process.kill()
    process.communicate()
    words = "a run, or what a killed run left, is at work here; wait for it or stop it"
    assert project.run() == (2, f"error: .state/jobs.lock: {words}\n")
    os.killpg(os.getpgid(stage), signal.SIGKILL)
    assert gone(stage)
    (project.folder / "go").touch()
    status, said = project.run()
    assert (status, ran(said)) == (0, ["x"])


def test_a_killed_dvc_is_named_and_its_stage_ends_with_it(with_stand_in):
    project = with_stand_in({"x": (f"echo $PPID > pid_dvc; {SLOW.format('x')}", []), "y": (":", [])})
    process = project.start("--jobs", "2")
    dvc, stage = project.processes("pid_dvc", "pid_x")
    os.kill(dvc, signal.SIGKILL)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 2
    assert "  failed: its dvc was killed (log: .state/logs/x.log)" in said
    assert ran(said) == ["y"]
    assert gone(stage)

    (project.folder / "kill_status").touch()
    assert project.run() == (2, "error: dvc status: its dvc was killed\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], "--jobs: found '0'; allowed: a whole number from 1 up"),
        (["--jobs", "x"], "--jobs: found 'x'; allowed: a whole number from 1 up"),
        ([], "dvc.yaml: not found in this folder; run softcifar.pipeline.jobs in the project's folder"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    if arguments:
        (tmp_path / "dvc.yaml").touch()
    monkeypatch.setattr("sys.argv", ["jobs", *arguments])
    with pytest.raises(UserError) as caught:
        main()
    assert str(caught.value) == message
    assert not (tmp_path / ".state").exists()


def test_what_dvc_refuses_is_one_sentence(with_stand_in):
    words = "dvc dag: 'trian' does not exist as an output or a stage name in 'dvc.yaml'"
    assert with_stand_in({"train": (":", [])}).run("trian") == (2, f"error: {words}\n")


def test_the_time_left_is_a_bound_while_a_kind_of_many_is_to_come_of_which_none_has_ended(with_stand_in):
    """A study's downloads tell nothing of how long its students take."""
    project = with_stand_in({"plan": (":", []), "train@a": ("sleep 0.1", ["plan"]), "report": (":", ["train@a"])})
    status, said = project.run("--jobs", "1")
    assert status == 0
    assert re.search(r"^plan  00:0\d  \[1 of 3 stages, over 00:0\d left\]$", said, re.MULTILINE)
    assert re.search(r"^train@a  00:0\d  \[2 of 3 stages, about 00:0\d left\]$", said, re.MULTILINE)


def test_on_a_terminal_one_live_line_says_what_runs(with_stand_in):
    project = with_stand_in({"quick": (":", []), "x": (SLOW.format("x"), ["quick"])})
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x18\x00\x28\x00\x00\x00\x00\x00")  # 24 lines of 40 columns
    process = project.start(stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    sent = ""
    while True:
        try:
            sent += os.read(ours, 4096).decode()
        except OSError:  # it has ended
            break
        if "1 of 2 stages, about 00:00 left: x" in sent or "1 of 2 stages: x" in sent:
            (project.folder / "go").touch()
    os.close(ours)
    assert process.wait() == 0
    assert "asking DVC what is out of date" in sent
    assert "\x1b[" not in sent  # nothing but this line is ever drawn over
    stays = [line.split("\r")[-1] for line in sent.replace("\r\n", "\n").split("\n")]
    assert [line[:5] for line in stays] == ["quick", "x  00", "2 sta", ""]
    assert max(len(part) for line in sent.splitlines() for part in line.split("\r")) <= 40
