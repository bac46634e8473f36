"""Which stage of a pipeline may start next, as far as is known what is out of date.

DVC says of each stage whether it differs from what dvc.lock has. That holds until a stage before it has run; after that
it has to be asked again, except where the reason lies in the stage itself (its outputs are missing, its command is new).
"""

import json
import re
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter

from softcifar.errors import UserError, suggestion

UNCHANGED = "unchanged"
CHANGED = "changed"  # its dependencies differ: true until a stage before it has run
CERTAIN = "certain"  # it differs whatever the stages before it do

Upstream = dict[str, set[str]]


def parse_dot(text: str) -> Upstream:
    """{stage: the stages right before it} from `dvc dag --dot`, in the order of dvc.yaml."""
    upstream: Upstream = {}
    for first, second in re.findall(r'^\s*"([^"]+)"(?:\s*->\s*"([^"]+)")?;?\s*$', text, re.MULTILINE):
        upstream.setdefault(first, set())
        if second:
            upstream.setdefault(second, set()).add(first)
    return upstream


def select(upstream: Upstream, targets: Iterable[str]) -> Upstream:
    """The part that `targets` need; 'train' stands for all of train@...; UserError for an unknown one."""
    groups: dict[str, list[str]] = {}
    for name in upstream:
        groups.setdefault(name.partition("@")[0], []).append(name)
    wanted: set[str] = set()
    for target in targets:
        if target not in upstream and target not in groups:
            raise UserError(f"dvc.yaml: there is no stage '{target}'{suggestion(target, [*upstream, *groups])}")
        waiting = [target] if target in upstream else list(groups[target])
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += upstream[name]
    return {name: before for name, before in upstream.items() if name in wanted}


def verdict(reasons: list) -> str:
    """What one stage's entry in `dvc status --json` says, [] where it has none."""
    if not reasons:
        return UNCHANGED
    only_deps = all(isinstance(reason, dict) and set(reason) == {"changed deps"} for reason in reasons)
    return CHANGED if only_deps else CERTAIN


class Schedule:
    """Stages move from waiting to running to done or failed; what waits behind a failed one never becomes ready."""

    def __init__(self, upstream: Mapping[str, set[str]]) -> None:
        self.upstream = upstream
        self.order = list(TopologicalSorter(upstream).static_order())
        self.downstream: Upstream = {name: {after for after in upstream if name in upstream[after]} for name in upstream}
        place = {name: number for number, name in enumerate(upstream)}
        self._rank = {name: (-len(self.behind([name])), place[name]) for name in upstream}
        self.verdicts: dict[str, str] = {}
        self.asked: set[str] = set()  # a question about them is under way
        self.running: set[str] = set()
        self.done: set[str] = set()
        self.failed: set[str] = set()

    def behind(self, names: Iterable[str]) -> set[str]:
        """All stages that need one of `names`, however far behind."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            new = self.downstream[waiting.pop()] - found
            found |= new
            waiting += new
        return found

    def ready(self) -> list[str]:
        """Stages with nothing left to wait for, in the order to start them: where most waits behind, then as in dvc.yaml."""
        begun = self.done | self.failed | self.running
        return sorted((name for name in self.upstream.keys() - begun if self.upstream[name] <= self.done), key=self._rank.get)

    def unsure(self) -> list[str]:
        """Ready stages of which nobody knows, and nobody has asked, whether they are out of date."""
        return [name for name in self.ready() if name not in self.verdicts and name not in self.asked]

    def unknown(self) -> set[str]:
        return self.upstream.keys() - self.verdicts.keys() - self.done - self.failed - self.running

    def learn(self, answer: str) -> None:
        """The answer of `dvc status --json` about self.asked; what has begun to change since then stays unknown."""
        reasons = json.loads(answer)
        self.verdicts |= {name: verdict(reasons.get(name, [])) for name in self.asked}
        self.asked = set()

    def doubt(self) -> None:
        """There was no answer; `dvc repro` of each stage will find out."""
        self.verdicts |= dict.fromkeys(self.asked, CHANGED)
        self.asked = set()

    def settle(self) -> None:
        """Stages that are up to date, and stand behind nothing that is still open, are done."""
        begun = self.done | self.running | self.failed
        for name in self.order:
            if name not in begun and self.verdicts.get(name) == UNCHANGED and self.upstream[name] <= self.done:
                self.done.add(name)

    def start(self, name: str) -> None:
        self.running.add(name)

    def end(self, name: str, *, failed: bool = False, wrote: bool = True) -> None:
        """A stage has ended; `wrote`: its outputs may be others than before, so what follows has to be looked at again."""
        self.running.remove(name)
        (self.failed if failed else self.done).add(name)
        if not failed and wrote:
            for after in self.downstream[name]:
                self.asked.discard(after)
                if self.verdicts.get(after) != CERTAIN:
                    self.verdicts.pop(after, None)

    def waiting(self) -> list[str]:
        """Stages that may still have to run, as far as is known."""
        lost = self.behind(self.failed) | self.failed | self.done
        found = set(self.running)
        for name in self.order:
            if name not in lost and (self.verdicts.get(name) != UNCHANGED or self.upstream[name] & found):
                found.add(name)
        return [name for name in self.upstream if name in found - self.running]

    def lost(self) -> list[str]:
        """Stages that were not run because one before them failed."""
        behind = self.behind(self.failed)
        return [name for name in self.upstream if name in behind - self.done]
