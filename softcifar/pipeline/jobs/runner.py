"""One run of a pipeline's stages, several at a time.

`dvc repro` runs one stage after the other, but several `dvc repro --single-item` get along: DVC gives up its lock while a
stage's command runs. Starting DVC costs a second or two, so nothing is started for a stage that `dvc status` knows to be up
to date. DVC alone decides what runs and keeps the results; this only decides when, and `dvc repro` may be used in between.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from softcifar.errors import UserError
from softcifar.pipeline.jobs import dvc_lock, rwlock
from softcifar.pipeline.jobs.display import Display, View, duration, last_words, progress_text, seconds_left
from softcifar.pipeline.jobs.resources import Resources
from softcifar.pipeline.jobs.schedule import Schedule, parse_dot, select

LOGS = Path(".state/logs")
WAIT, REPRO = "--wait-for-lock", ("repro", "--single-item")
ASK_FROM = 3  # a question costs as much as one or two needless starts of DVC
GRACE = 10.0  # seconds to end in, after which a stage is killed
TAIL = 8192  # bytes at the end of a log that are looked at for progress


class Stop:
    """Counts the signals that ask this program to end: Ctrl-C, SIGTERM, a closed terminal."""

    def __init__(self) -> None:
        self.heard = 0
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) is not signal.SIG_IGN:  # nohup
                signal.signal(each, self._hear)

    def _hear(self, *_: object) -> None:
        self.heard += 1


@dataclass
class Running:
    """A `dvc repro` of one stage at work."""

    process: subprocess.Popen
    log: Path
    slot: int
    started: float


class Question:
    """A `dvc` command whose answer is what it prints, asked beside running stages."""

    def __init__(self, *arguments: str, lock: int) -> None:
        self.what = arguments[0]
        self._out, self._err = (tempfile.TemporaryFile("w+") for _ in range(2))  # noqa: SIM115, they are closed in answer()
        self.process = start_dvc(*arguments, lock=lock, stdout=self._out, stderr=self._err)

    def answer(self) -> str:
        """Its output, once it has ended; UserError with what DVC says where it failed."""
        with self._out, self._err:
            self._out.seek(0)
            self._err.seek(0)
            if self.process.returncode == 0:
                return self._out.read()
            said = [line.strip() for line in (self._err.read() + self._out.read()).splitlines() if line.strip()]
            errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
            raise UserError(f"dvc {self.what}: {' '.join(errors[:1] or said[:2]) or 'failed without a word'}")


def start_dvc(*arguments: str, lock: int, env: Mapping[str, str] = os.environ, **outputs: object) -> subprocess.Popen:
    """Start the `dvc` of this Python in a process group of its own, so that it can be stopped with all that it starts."""
    # DVC_DAEMON: nothing is to stay behind (reports of use, the search for updates) that would hold on to the lock.
    env = {**env, "DVC_DAEMON": "1", "PATH": os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])}
    if not (program := shutil.which("dvc", path=env["PATH"])):
        raise UserError("dvc: no such program on PATH; run make setup")
    command = [program, WAIT, *arguments]
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=[lock], **outputs)


class Runner:
    """One run: asks DVC what is out of date, starts what may start, shows it, and stops when told to."""

    def __init__(self, resources: Resources, lock: int, stop: Stop) -> None:
        """lock: the descriptor of a file that this run alone has locked; all that is started inherits it."""
        self.resources, self.lock, self.stop = resources, lock, stop
        self.display = Display(sys.stderr)
        self.schedule = Schedule({})
        self.running: dict[str, Running] = {}
        self.question: Question | None = None
        self.hold = False  # nothing may start until it is answered
        self.taken: list[tuple[str, float]] = []  # stages that ran, and their seconds
        self.reasons: dict[str, str] = {}  # of failures
        self.begun = time.monotonic()

    def run(self, targets: list[str]) -> int:
        """Bring `targets` (all, if there are none) up to date; the exit status: 0, 2 after failures, 130 if stopped."""
        rwlock.forget(" ".join([WAIT, *REPRO]))  # they would have inherited the lock, so none is left
        before, cut = dvc_lock.mend()
        if cut:
            self.display.say("dvc.lock: its end is missing, a run was killed while DVC wrote it; the rest is kept")
        order = []
        try:
            if order := self._look(targets):
                while not self.stop.heard and self._step():
                    time.sleep(0.05)
        finally:
            self._stop_all()
            dvc_lock.tidy(before, order)
            self.display.close()
        return self._report()

    def _look(self, targets: list[str]) -> list[str]:
        """What is out of date and what needs what; returns all stages in the order of dvc.yaml, [] with nothing to do."""
        status = self._ask("status", "--json")
        if self.stop.heard or (json.loads(status) == {} and not targets):
            return []
        graph = self._ask("dag", "--dot")
        if self.stop.heard:
            return []
        upstream = parse_dot(graph)
        self.schedule = Schedule(select(upstream, targets or upstream))
        self.schedule.asked = set(self.schedule.upstream)
        self.schedule.learn(status)
        return list(upstream)

    def _ask(self, *arguments: str) -> str:
        """Wait for an answer before anything else is done; '' if told to stop."""
        self.question = Question(*arguments, lock=self.lock)
        while self.question.process.poll() is None:
            if self.stop.heard:
                return ""
            self.display.update(self._view)
            time.sleep(0.02)
        question, self.question = self.question, None
        return question.answer()

    def _step(self) -> bool:
        """Take note of what has ended, start what may start; False when there is nothing more to do."""
        for name, running in list(self.running.items()):
            if running.process.poll() is not None:
                self._ended(name, running)
        if self.question and self.question.process.poll() is not None:
            question, self.question, self.hold = self.question, None, False
            try:
                self.schedule.learn(question.answer())
            except UserError as error:
                self.display.say(f"{error}; going on, every stage is looked at by itself")
                self.schedule.doubt()
        self.schedule.settle()
        unsure = self.schedule.unsure()
        if len(unsure) >= ASK_FROM and not self.question:
            # DVC takes time for every name, so all is asked about without naming any. It then refuses while a stage runs.
            self.hold = not self.running
            self.schedule.asked = self.schedule.unknown() if self.hold else set(unsure)
            self.question = Question("status", "--json", *([] if self.hold else sorted(unsure)), lock=self.lock)
        for name in [] if self.hold else self.schedule.ready():
            known = name in self.schedule.verdicts or (name in unsure and len(unsure) < ASK_FROM)
            if known and len(self.running) < self.resources.jobs:
                self._start(name)
        self.display.update(self._view)
        return bool(self.running or self.question)

    def _start(self, name: str) -> None:
        slot = min(set(range(self.resources.jobs)) - {running.slot for running in self.running.values()})
        rivals = len(self.running) + len(self.schedule.ready())
        env = self.resources.environment(os.environ, slot, rivals)
        path = LOGS / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as log:
            process = start_dvc(*REPRO, name, lock=self.lock, env=env, stdout=log, stderr=log)
        self.running[name] = Running(process, path, slot, time.monotonic())
        self.schedule.start(name)

    def _ended(self, name: str, running: Running) -> None:
        del self.running[name]
        log = running.log.read_text(errors="replace")
        seconds = time.monotonic() - running.started
        if running.process.returncode != 0:
            self.reasons[name] = last_words(log)
            self.schedule.end(name, failed=True)
            self.display.say(f"{name}  failed after {duration(seconds)}: {self.reasons[name]} (log: {running.log})")
            return
        unchanged = f"Stage '{name}' didn't change, skipping" in log
        self.schedule.end(name, wrote=not unchanged)
        if not unchanged:
            cached = f"Stage '{name}' is cached - skipping run" in log
            self.taken.append((name, seconds))
            self.display.say(f"{name}  {duration(seconds)}{', from the cache' if cached else ''}")

    def _view(self) -> View:
        now = time.monotonic()
        waiting = self.schedule.waiting()
        seconds = {name: now - running.started for name, running in self.running.items()}
        shown = [(name, seconds[name], progress_text(_tail(running.log))) for name, running in self.running.items()]
        done = len(self.taken) + len(self.reasons)
        left = seconds_left(waiting, seconds, self.taken, self.resources.jobs)
        return View(done, done + len(shown) + len(waiting), shown, now - self.begun, left)

    def _stop_all(self) -> None:
        """Ctrl-C for all that runs; what does not end in time is killed. A DVC that writes dvc.lock is let finish."""
        processes = {running.process: running.log for running in self.running.values()}
        if self.question:
            processes[self.question.process] = None
        if processes:
            self.display.say("stopping what runs; once more to kill it")
        deadline = time.monotonic() + GRACE
        told: set[subprocess.Popen] = set()
        while alive := [process for process in processes if process.poll() is None]:
            kill = time.monotonic() > deadline or self.stop.heard > 1
            for process in alive:
                log = processes[process]
                saving = log is not None and "ing lock file 'dvc.lock'" in _tail(log)
                if kill or (process not in told and not saving):
                    told.add(process)
                    _signal(process, signal.SIGKILL if kill else signal.SIGINT)
            time.sleep(0.05)
        for process in processes:  # what outlived its dvc
            _signal(process, signal.SIGKILL)

    def _report(self) -> int:
        """Say how it ended; the exit status."""
        if self.stop.heard:
            self.display.say("stopped; what has been finished is kept, run it again to go on")
            return 130
        elapsed = duration(time.monotonic() - self.begun)
        if not self.reasons:
            ran = f"{len(self.taken)} stage{'s' * (len(self.taken) != 1)} brought up to date in {elapsed}"
            self.display.say(ran if self.taken else "everything is up to date")
            return 0
        self.display.say(f"error: {len(self.reasons)} of {len(self.reasons) + len(self.taken)} stages failed ({elapsed}):")
        for name, reason in self.reasons.items():
            self.display.say(f"  {name}: {reason} (log: {LOGS / name}.log)")
        if lost := self.schedule.lost():
            self.display.say(f"not run because they need one of these: {', '.join(lost)}")
        self.display.say("what has been finished is kept; mend the cause and run it again to go on")
        return 2


def _signal(process: subprocess.Popen, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _tail(path: Path) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
        return file.read().decode(errors="replace")
