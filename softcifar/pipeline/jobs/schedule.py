"""Which stage of a pipeline may start next, and how long the rest will take."""

import re
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from statistics import fmean

Upstream = dict[str, set[str]]


def parse_dot(text: str) -> Upstream:
    """{stage: the stages right before it} from `dvc dag --dot`, in the order of dvc.yaml."""
    upstream: Upstream = {name: set() for name in re.findall(r'^"([^"]+)";$', text, re.MULTILINE)}
    for before, name in re.findall(r'^"([^"]+)" -> "([^"]+)";$', text, re.MULTILINE):
        upstream[name].add(before)
    return upstream


class Schedule:
    """Stages wait, run, and are done or failed; what waits behind a failed one never becomes ready.

    unchanged: those that DVC finds as dvc.lock has them, done as soon as all before them are. doubted: those that were
    unchanged until a stage right before them wrote its outputs anew.
    """

    def __init__(self, upstream: Upstream, unchanged: Iterable[str]) -> None:
        self.upstream = upstream
        self.behind: Upstream = {name: set() for name in upstream}  # all that need a stage, however far behind
        for name in reversed([*TopologicalSorter(upstream).static_order()]):
            for before in upstream[name]:
                self.behind[before] |= {name} | self.behind[name]
        self.running, self.done, self.failed = set[str](), set[str](), set[str]()
        self.learn(unchanged)

    def learn(self, unchanged: Iterable[str]) -> None:
        """Take note of all that DVC calls unchanged, while no stage runs."""
        self.unchanged, self.doubted = set(unchanged) - self.failed, set[str]()
        self._settle()

    def ready(self) -> list[str]:
        """Stages with nothing left to wait for, in the order to start them: where most waits behind, then as in dvc.yaml."""
        names = [name for name in self.waiting() if self.upstream[name] <= self.done]
        return sorted(names, key=lambda name: -len(self.behind[name]))

    def end(self, name: str, *, failed: bool = False, wrote: bool = True) -> None:
        """A running stage has ended; `wrote`: its outputs may differ from those that were there before."""
        self.running.remove(name)
        (self.failed if failed else self.done).add(name)
        if wrote and not failed:
            self.doubted |= {after for after in self.unchanged if name in self.upstream[after]}
            self.unchanged -= self.doubted
        self._settle()

    def waiting(self) -> list[str]:
        """Stages that may still have to run, as far as is known."""
        other = self.running | self.done | self.failed.union(self.lost())
        return [name for name in self.upstream if name not in other]

    def lost(self) -> list[str]:
        """Stages that cannot run because one before them failed."""
        return [name for name in self.upstream if any(name in self.behind[failed] for failed in self.failed)]

    def _settle(self) -> None:
        while settled := {name for name in self.unchanged - self.done if self.upstream[name] <= self.done}:
            self.done |= settled


def seconds_left(waiting: Iterable[str], running: Mapping[str, float], ended: Sequence[tuple[str, float]], jobs: int) -> float:
    """What is still to be done, spread evenly over `jobs`; running: seconds so far by name; ended: at least one. A stage is
    taken to last as long as the others of its kind (train, evaluate) on average; without any, as long as all, or, where the
    kind has many (train@...), no time, so that it is a bound."""

    def expected(name: str) -> float:
        alike = [seconds for other, seconds in ended if other.partition("@")[0] == name.partition("@")[0]]
        return fmean(alike or [0.0 if "@" in name else seconds for _, seconds in ended])

    current = [max(expected(name) - seconds, 0) for name, seconds in running.items()]
    return max(sum([*map(expected, waiting), *current]) / jobs, *current, 0)
