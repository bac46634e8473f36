"""How a run of stages side by side is shown: one line per finished stage, and what runs at the moment.

A terminal gets a bar over all stages and a line per running stage, redrawn in place. Elsewhere (a log) one line every 30
seconds says the same.
"""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from tqdm import tqdm

REDRAW, LOG_EVERY = 0.25, 30.0  # seconds
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# tqdm's '45%|####    | 12/21 [00:10<00:08,  1.10epoch/s]'; the rate is left out.
BAR = re.compile(r"(\d+)%\|(.*)\| *(\S+/\S+) \[([^,\]]*)[^\]]*\]")


@dataclass(frozen=True)
class View:
    """What there is to show: stages done and to be run in all, each running one, and seconds (`left`: None if not known)."""

    done: int
    total: int
    running: Sequence[tuple[str, float, str]]  # name, seconds so far, its own newest progress
    elapsed: float
    left: float | None


class Display:
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._height = 0  # lines drawn that will be drawn over
        self._next = time.monotonic() + (0 if self.terminal else LOG_EVERY)

    def say(self, line: str) -> None:
        """A line that stays."""
        self._erase()
        print(line, file=self.stream, flush=True)
        if self.terminal:
            self._next = 0

    def update(self, view: Callable[[], View]) -> None:
        """Show view() if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (REDRAW if self.terminal else LOG_EVERY)
        if not self.terminal:
            print(log_line(view()), file=self.stream, flush=True)
            return
        width, height = os.get_terminal_size(self.stream.fileno())
        lines = block(view(), width or 80, height or 24)
        self._erase()
        self.stream.write("\n".join(lines))
        self.stream.flush()
        self._height = len(lines)

    def close(self) -> None:
        self._erase()
        self.stream.flush()

    def _erase(self) -> None:
        if self._height > 1:
            self.stream.write(f"\x1b[{self._height - 1}A")
        if self._height:
            self.stream.write("\r\x1b[J")
        self._height = 0


def block(view: View, width: int, height: int) -> list[str]:
    """The lines to draw on a terminal of this size: the bar, then running stages as far as there is room."""
    left = f", about {duration(view.left)} left" if view.left is not None else ""
    bar = tqdm.format_meter(
        n=view.done,
        total=view.total,
        elapsed=view.elapsed,
        ncols=min(width - 1, 100),
        bar_format=f"{{percentage:3.0f}}%|{{bar}}| {{n_fmt}}/{{total_fmt}} stages [{{elapsed}}{left}]",
    )
    room = max(height - 2, 1)
    shown = view.running if len(view.running) <= room else view.running[: room - 1]
    column = max((len(name) for name, *_ in shown), default=0)
    lines = [f"  {name:{column}}  {duration(seconds):>6}  {progress}" for name, seconds, progress in shown]
    if not view.running:
        lines = ["  asking DVC what is out of date"]
    if len(shown) < len(view.running):
        lines.append(f"  and {len(view.running) - len(shown)} more")
    return [line.rstrip()[: width - 1] for line in ((bar, *lines) if view.total else lines)]


def log_line(view: View) -> str:
    """'12 of 55 stages done, running: train@hard (45 %), about 3 min left'."""
    parts = [f"{view.done} of {view.total} stages done"]
    names = []
    for name, _, progress in view.running:
        found = BAR.match(progress)
        names.append(f"{name} ({found[1]} %)" if found else name)
    if names:
        parts.append(f"running: {', '.join(names)}")
    if view.left is not None:
        parts.append(f"about {duration(view.left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """'7 s', '3 min 05 s', '2 h 07 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def seconds_left(
    waiting: Sequence[str], running: Mapping[str, float], taken: Sequence[tuple[str, float]], jobs: int
) -> float | None:
    """What is still to be done, if it is spread evenly over `jobs`; None before the first stage has ended.

    waiting: names; running: seconds so far by name; taken: (name, seconds) of what ended. A stage is taken to last as long
    as the others of its kind (train, evaluate) did on average, or as all did, where it is the first of its kind.
    """
    if not taken:
        return None
    kinds: dict[str, list[float]] = {}
    for name, seconds in taken:
        kinds.setdefault(_kind(name), []).append(seconds)
    everything = [seconds for _, seconds in taken]

    def expected(name: str) -> float:
        known = kinds.get(_kind(name), everything)
        return sum(known) / len(known)

    work = [expected(name) for name in waiting]
    current = [max(expected(name) - seconds, 0) for name, seconds in running.items()]
    return max(sum(work + current) / jobs, *current, 0)


def _kind(name: str) -> str:
    return name.partition("@")[0]


def progress_text(log: str) -> str:
    """The newest tqdm bar in the end of a stage's log, as '45%|####    | 12/21 [00:10<00:08]'; '' where there is none."""
    for piece in reversed(re.split(r"[\r\n]", log)):
        if found := BAR.search(ESCAPES.sub("", piece)):
            percent, bar, count, times = found.groups()
            return f"{percent}%|{bar}| {count} [{times}]"
    return ""


def last_words(log: str) -> str:
    """Why a stage failed, from its whole log: its own 'error: ...', else its last line, else what DVC says."""
    lines = [ESCAPES.sub("", line) for line in re.split(r"[\r\n]", log)]
    lines = [BAR.split(line)[-1].strip() for line in lines]  # a bar that was cut short shares its line with what follows
    lines = [line for line in lines if line]
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    starts = [number for number, line in enumerate(lines) if line.startswith("Running stage '")]
    own = [line for line in lines[starts[-1] + 1 :] if not line.startswith(("> ", "ERROR: "))] if starts else []
    dvc = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (own[-1:] or dvc[:1] or lines[-1:] or ["it left no word"])[0]
