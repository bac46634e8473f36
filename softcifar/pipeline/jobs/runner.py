"""One run of a pipeline's stages, several at a time.

Several `dvc repro --single-item` can run at the same time: DVC gives up its lock while a stage's command runs. DVC alone
decides what runs, and this file when; it starts no DVC for what `dvc status` calls up to date. `dvc repro` works as well.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from softcifar.pipeline.jobs import dvc_command, recovery
from softcifar.pipeline.jobs.display import Display
from softcifar.pipeline.jobs.resources import Resources
from softcifar.pipeline.jobs.schedule import Schedule, parse_dot, seconds_left

LOGS = Path(".state/logs")
ASK_FROM = 3  # doubtful stages; a question costs as much as one or two needless starts of DVC
GRACE = 10.0  # seconds to end in, after which a stage is killed


@dataclass
class Running:
    process: subprocess.Popen
    log: Path
    slot: int
    started: float


class Runner:
    """One run: asks DVC what is out of date, starts what may start, shows it, and stops when told to."""

    def __init__(self, resources: Resources, lock: int) -> None:
        """lock: the descriptor of a file that this run alone has locked; all that is started inherits it."""
        self.resources, self.lock = resources, lock
        self.ask = partial(dvc_command.ask, lock=lock, meanwhile=self._look_up)
        self.display = Display(sys.stderr)
        self.schedule = Schedule({}, [])
        self.running: dict[str, Running] = {}  # for each stage at work its `dvc repro`
        self.ran: list[tuple[str, float]] = []  # stages brought up to date, and their seconds
        self.begun = time.monotonic()
        self.signals: list[int] = []  # that ask to stop: Ctrl-C, SIGTERM, a closed terminal
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) is not signal.SIG_IGN:  # nohup
                signal.signal(each, lambda number, _: self.signals.append(number))

    def run(self, targets: list[str]) -> int:
        """Bring `targets` (without any: all) up to date; 0, or 2 after failures. KeyboardInterrupt if told to stop."""
        recovery.drop_claims()
        if recovery.mend_dvc_lock():
            self.display.say("dvc.lock: its end is missing, a run was killed while DVC wrote it; the rest is kept")
        try:
            changed = self._changed()
            upstream = {}
            for arguments in [[target] for target in targets] or [[]] * bool(changed):
                upstream |= parse_dot(self.ask("dag", "--dot", *arguments))
            self.schedule = Schedule(upstream, upstream.keys() - changed)
            while self._step():
                time.sleep(0.1)
        finally:
            self._stop_all()
            self.display.close()
        return self._report()

    def _changed(self) -> set[str]:
        return set(json.loads(self.ask("status", "--json")))

    def _look_up(self) -> None:
        """Look whether to stop, and show what runs."""
        if self.signals:
            raise KeyboardInterrupt
        now = f"{self._progress()}: {', '.join(self.running)}" if self.running else "asking DVC what is out of date"
        self.display.show(now)

    def _step(self) -> bool:
        """Take note of what has ended, start what may start; False when there is nothing more to do."""
        for name, running in list(self.running.items()):
            if running.process.poll() is not None:
                self._end(name, running)
        if not self.running and len(self.schedule.doubted.intersection(self.schedule.ready())) >= ASK_FROM:
            self.schedule.learn(self.schedule.upstream.keys() - self._changed())
        for name in self.schedule.ready()[: self.resources.jobs - len(self.running)]:
            self._start(name)
        self._look_up()
        return bool(self.running)

    def _start(self, name: str) -> None:
        slot = min(set(range(self.resources.jobs)) - {running.slot for running in self.running.values()})
        env = self.resources.environment(os.environ, slot, rivals=len(self.running) + len(self.schedule.ready()))
        path = LOGS / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as log:
            process = dvc_command.start("repro", "--single-item", name, lock=self.lock, env=env, stdout=log, stderr=log)
        self.running[name] = Running(process, path, slot, time.monotonic())
        self.schedule.running.add(name)

    def _end(self, name: str, running: Running) -> None:
        del self.running[name]
        log, code = running.log.read_text(errors="replace"), running.process.returncode
        if code == 0 and f"Stage '{name}' didn't change, skipping" in log:
            return self.schedule.end(name, wrote=False)
        self.schedule.end(name, failed=code != 0)
        seconds = time.monotonic() - running.started
        event = f"{name}  {tqdm.format_interval(seconds)}"
        if code:
            dvc_command.send(running.process, signal.SIGKILL)  # what outlived its dvc
            event += f"  failed: {dvc_command.KILLED if code < 0 else dvc_command.last_words(log)} (log: {running.log})"
        else:
            self.ran.append((name, seconds))
            event += "  from the cache" * (f"Stage '{name}' is cached - skipping run" in log)
        self.display.say(event if self.display.live else f"{event}  [{self._progress()}]")

    def _progress(self) -> str:
        """'12 of 55 stages, about 03:10 left'; 'over' while a kind of many (train@...) is to come and none has ended."""
        waiting, ended = self.schedule.waiting(), len(self.ran) + len(self.schedule.failed)
        text = f"{ended} of {ended + len(self.running) + len(waiting)} stages"
        seconds = {name: time.monotonic() - running.started for name, running in self.running.items()}
        left = seconds_left(waiting, seconds, self.ran, self.resources.jobs) if self.ran else 0
        to_come = {name.partition("@")[0] for name in [*waiting, *self.running] if "@" in name}
        how = "about" if to_come <= {name.partition("@")[0] for name, _ in self.ran} else "over"
        return f"{text}, {how} {tqdm.format_interval(left)} left" if left else text

    def _stop_all(self) -> None:
        """Ctrl-C for all that runs; what does not end in time is killed. A DVC that writes dvc.lock is let finish."""
        deadline, told = time.monotonic() + GRACE, set[str]()
        while alive := {name: running for name, running in self.running.items() if running.process.poll() is None}:
            for name, running in alive.items():
                if time.monotonic() > deadline or len(self.signals) > 1:
                    dvc_command.send(running.process, signal.SIGKILL)
                elif name not in told and "ing lock file 'dvc.lock'" not in running.log.read_text(errors="replace"):
                    dvc_command.send(running.process, signal.SIGINT)
                    if not told:
                        self.display.say("stopping what runs; stop it again to kill it")
                    told.add(name)
            time.sleep(0.05)
        for running in self.running.values():  # what outlived its dvc
            dvc_command.send(running.process, signal.SIGKILL)

    def _report(self) -> int:
        """Say how it ended; the exit status."""
        failed, lost, elapsed = self.schedule.failed, self.schedule.lost(), time.monotonic() - self.begun
        if not failed:
            done = f"{len(self.ran)} stages brought up to date in {tqdm.format_interval(elapsed)}"
            self.display.say(done if self.ran else "everything is up to date")
            return 0
        self.display.say(f"error: {len(failed)} of {len(failed) + len(self.ran)} stages failed: {', '.join(sorted(failed))}")
        if lost:
            self.display.say(f"not run because they need one of these: {', '.join(lost)}")
        self.display.say("what has been finished is kept; remove the cause and run again to go on")
        return 2
