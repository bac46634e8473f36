"""What labels may cost: the sources to choose among, what each of them needs, and which of them a budget allows."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from softcifar.report.core.columns import Field, plain
from softcifar.report.core.kinds import CRITERION_TITLES, distinct, tuned
from softcifar.report.core.origins import effort, softness_alone, teachers, title, votes
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.voters import voters


@dataclass(frozen=True)
class Source:
    """A student that differs from the reference in labels, loss or steps that soften targets alone. votes: per training image;
    teachers: networks; effort: images seen in training, its teacher's included, as a multiple of the reference's."""

    student: str
    what: str
    votes: int | float  # a fraction where some of the images alone have votes
    teachers: int
    effort: float

    @property
    def cost(self) -> tuple[float, int, float]:
        """To sort by: votes cost people's time, a teacher costs a machine's."""
        return self.votes, self.teachers, self.effort

    @property
    def named(self) -> str:
        """With the votes it takes, since a budget with votes allows one per image as well as fifty."""
        return f"{self.student} ({_votes(self.votes)} per image)" if self.votes else self.student


def _votes(number: float) -> str:
    """1 vote, 10 votes, 0.3 votes."""
    return f"{number:g} vote{'s' * (number != 1)}"


@dataclass(frozen=True)
class Budget:
    """key: as the command takes it; words: after "with"; students: those whose labels it allows, in the order of params."""

    key: str
    words: str
    students: tuple[str, ...]


def sources(results: Results) -> list[Source]:
    """The reference and what differs from it in softness or loss alone, networks of two names once, in the order of params."""
    networks, usual = distinct(results), effort(results, results.reference)
    chosen = [name for name in results.students if name == results.reference or name in networks]
    return [
        Source(name, _what(results, name), votes(results, name), teachers(results, name), effort(results, name) / usual)
        for name in chosen
        if softness_alone(results, name)
    ]


def _what(results: Results, name: str) -> str:
    chosen = f", chosen by {CRITERION_TITLES[results.students[name].about['choose_by']]}" if tuned(results, name) else ""
    return title(results, name) + chosen


def budgets(found: Iterable[Source], whose: str) -> list[Budget]:
    """From the smallest to the largest; one that allows no other sources than another one is left out.

    whose: the votes are, "people's"."""
    possible = (
        ("labels", "nothing but labels", False, False),
        ("teacher", "labels and a teacher", False, True),
        ("votes", f"labels and {whose} votes", True, False),
        ("both", f"labels, {whose} votes and a teacher", True, True),
    )
    listed: list[Budget] = []
    for key, words, voted, taught in possible:
        names = tuple(each.student for each in found if (voted or not each.votes) and (taught or not each.teachers))
        if names and names not in [budget.students for budget in listed]:
            listed.append(Budget(key, words, names))
    return listed


def of_study(study: Study) -> tuple[list[Source], list[Budget]]:
    found = sources(study.results)
    return found, budgets(found, voters(study.results))


def left_out(study: Study) -> list[str]:
    """Students that differ from the reference in more than softness."""
    return [name for name in distinct(study.results) if not softness_alone(study.results, name)]


def table(study: Study) -> Table:
    """A row per source; none where there is nothing to choose."""
    found, _ = of_study(study)
    fields = [
        Field("student", "Source"),
        Field("what", "What it is"),
        Field("votes", "Votes per image", "people's votes, or those of who stands in for people, per training image; a soft "
              "label that one person gave counts as one, though it takes that person longer",
              text=lambda record: f"{record['votes']:g}"),
        Field("teachers", "Teacher's networks", "networks that are trained first, on each split, to teach it"),
        Field("effort", "Training effort", "images seen in training, with those of tuning and of teachers, as a multiple of "
              f"{study.reference}'s", text=lambda record: times(record["effort"])),
    ]  # fmt: skip
    note = (
        f"Everything that differs from {study.reference} in labels or loss alone, or in steps that soften targets (votes also "
        "correct labels)."
    )
    records = [asdict(each) for each in found] if len(found) > 1 else []
    return build("advice_costs", "What the sources cost", note, fields, records)


def times(effort: float) -> str:
    """× 1.5, × 6."""
    return f"× {plain(effort, 1).removesuffix('.0')}"
