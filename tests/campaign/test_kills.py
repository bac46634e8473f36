"""A training that is killed or told to stop at a random moment: the next call ends in the same bytes, and nothing runs on."""

import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import psutil
import pytest
import yaml

from tests.conftest import alive

pytestmark = pytest.mark.slow
KILLS, SIGNALS = 20, 12
OUT = "models/students/hard"
STAGE = ("stages.train", "hard")
RUNNER = ("softcifar.pipeline.jobs", "train@hard")  # with real dvc
ENDED = {signal.SIGINT: {130, -signal.SIGINT}, signal.SIGTERM: {-signal.SIGTERM}, signal.SIGHUP: {-signal.SIGHUP}}
STOPPED = "stopped; what was trained so far is kept, run again to go on"


@pytest.fixture
def training(smoke_study, tmp_path):
    return Training(smoke_study.copy(tmp_path / "study"))


class Training:
    """One student of the smoke study, trained again and again, alone or by the runner of stages."""

    def __init__(self, workspace) -> None:
        self.workspace, self.folder = workspace, workspace.folder
        params = yaml.safe_load((self.folder / "params.yaml").read_text())
        params["students"]["hard"]["epochs"] = 4  # so that a kill may come between them
        workspace.set_params(params)
        workspace.run(sys.executable, "-m", *RUNNER)
        self.expected = self.contents()
        self.seconds = {command: self.whole(command) for command in (STAGE, RUNNER)}

    def contents(self) -> dict[str, bytes]:
        folder = self.folder / OUT
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    def reset(self) -> None:
        """Forget the student: its output, the states of its runs, and DVC's cache, which would bring it back."""
        for left in (OUT, ".state/runs", ".dvc/cache"):
            shutil.rmtree(self.folder / left, ignore_errors=True)

    def whole(self, command: tuple[str, ...]) -> float:
        """Seconds of an undisturbed training, which is checked as well."""
        self.reset()
        begun = time.monotonic()
        self.again(command)
        return time.monotonic() - begun

    def start(self, command: tuple[str, ...], log) -> subprocess.Popen:
        """A process group of its own, which a signal reaches as Ctrl-C does."""
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=self.workspace.environment | {"SOFTCIFAR_WORKERS": "2"},
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler),
        )

    def disturbed(self, command: tuple[str, ...], number: signal.Signals, seconds: float) -> tuple[int | None, str]:
        """(exit status, what was said) of a training that gets a signal after so many seconds; None where it ended before.

        SIGKILL is sent to all that it has started, as where the machine goes down.
        """
        path = self.folder / "said"
        with open(path, "wb") as log:
            process = self.start(command, log)
            time.sleep(seconds)
            started = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            if process.poll() is not None:
                return None, path.read_text()
            if number == signal.SIGKILL:
                for each in (psutil.Process(process.pid), *started):
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
            elif command == STAGE:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            status = process.wait(timeout=600)
        deadline = time.monotonic() + 60
        while any(alive(each.pid) for each in started) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [each.pid for each in started if alive(each.pid)], "something runs on"
        return status, path.read_text()

    def again(self, command: tuple[str, ...]) -> None:
        """The next call ends well, in the same bytes, and leaves nothing half-written."""
        done = self.workspace.run(sys.executable, "-m", *command, check=False)
        assert done.returncode == 0, done.stderr
        assert self.contents() == self.expected
        assert not list((self.folder / "models").rglob("*.part"))


def test_kills(training, seed, share, counted):
    draw, outcomes = random.Random(f"{seed}:kills"), Counter()
    for number in range(share(KILLS)):
        command = RUNNER if number % 4 == 3 else STAGE
        training.reset()
        seconds = draw.uniform(0.1, 0.9) * training.seconds[command]
        status, said = training.disturbed(command, signal.SIGKILL, seconds)
        assert "Traceback" not in said, (number, seconds)
        training.again(command)
        outcomes["ended before" if status is None else "killed"] += 1
    counted(f"{_text(outcomes)} (seed {seed}): 0 other bytes, 0 left running")


@pytest.mark.parametrize("command", [STAGE, RUNNER], ids=["stage", "runner"])
def test_signals(training, command, seed, share, counted):
    draw, outcomes = random.Random(f"{seed}:signals:{command}"), Counter()
    turns = draw.sample([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], 3)
    for number in range(max(1, share(SIGNALS) // 2)):
        sent = turns[number % 3]
        training.reset()
        seconds = draw.uniform(0.1, 0.9) * training.seconds[command]
        status, said = training.disturbed(command, sent, seconds)
        assert "Traceback" not in said, (sent.name, seconds, said)
        if status is not None:
            told = {130, *ENDED[sent]} if command == RUNNER else ENDED[sent]
            assert status in {0, *told}, (sent.name, seconds, said)  # 0: it came when all was done
            assert status != 130 or STOPPED in said, (sent.name, seconds, said)
        training.again(command)
        outcomes["ended before" if status is None else sent.name] += 1
    counted(f"signals to the {command[0]} (seed {seed}): {_text(outcomes)}; 0 tracebacks, 0 other bytes, 0 left running")


def _text(outcomes: Counter) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
