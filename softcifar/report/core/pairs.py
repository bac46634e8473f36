"""Which students a claim compares, and their numbers paired by run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from softcifar.report.core.kinds import SAMPLED, alike, described, distinct, of_kind, source
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import PRACTICAL, SHARE, Check

CROSS_ENTROPY = "cross_entropy"
SMOOTHING, HARD, MAJORITY = "uniform", "hard", "majority"  # label sources
CORRECTING = ("human", "human_thresholded", "dawid_skene")  # labels that are also another class's where people say so
TOGETHER = "all pairs together"  # the family of rows that answer a claim over all its pairs


def stated(study: str, statements: Mapping[str, str]) -> dict[str, str]:
    """Each claim's statement with the published study behind it."""
    return {claim: f"{text[:-1]} ({study})." for claim, text in statements.items()}


def pairs(results: Results, ours: tuple[str, str], theirs: tuple[str, str], *, but: tuple[str, ...]) -> list[tuple[str, str]]:
    """Every (student, student) of these two kinds (label source, loss) whose options agree but for the keys `but`."""
    return [(a, b) for a in of_kind(results, *ours) for b in of_kind(results, *theirs) if alike(results, a, b, but=but)]


def soft_and_hard(results: Results) -> dict[str, list[tuple[str, str]]]:
    """{source of soft labels: its (student, twin of hard labels)}, label smoothing first. The twin of people's votes learned
    from their majority, where there is one, since votes correct labels as well as soften them. Labels of a few votes have a
    chapter of their own."""
    sources = dict.fromkeys(source(results, name) for name in distinct(results))
    soft = [each for each in sources if each not in (HARD, MAJORITY, *SAMPLED)]
    found = {}
    for labels in sorted(soft, key=lambda each: each != SMOOTHING):
        for hard in (MAJORITY, HARD) if labels in CORRECTING else (HARD,):
            if twins := pairs(results, (labels, CROSS_ENTROPY), (hard, CROSS_ENTROPY), but=("labels",)):
                found.setdefault(labels, twins)
    return found


def shared_runs(
    numbers: pd.DataFrame,
    students: Sequence[str],
    metric: str,
    *,
    set: str = "test",
    score: str | Mapping[str, str] = "",
    scale: float = 1,
) -> pd.DataFrame:
    """The students' values: a row per run that all of them have, a column per student.

    numbers: the long table; score: its column `score`, one for all or {student: its own}; scale 100 turns proportions into
    points.
    """
    chosen = numbers[numbers["metric"] == metric]
    chosen = chosen[(chosen["kind"] == "run") & (chosen["set"] == set)]
    chosen = chosen[chosen["score"] == (score if isinstance(score, str) else chosen["student"].map(score))]
    return scale * chosen.pivot(index="seed", columns="student", values="value").reindex(columns=list(students)).dropna()


@dataclass(frozen=True)
class Measure:
    """A number of every run: a metric of the long table, or how much of it is lost from one condition to another.

    before: (set, score) of the condition from which it is lost; title: with the unit.
    """

    title: str
    metric: str
    higher: bool
    set: str = "test"
    score: str | Mapping[str, str] = ""
    scale: float = 1
    before: tuple[str, str] | None = None

    def practical(self, rival: pd.Series) -> float:
        """Differences from this rival's values that are smaller do not matter in practice; 0 where nobody has said.

        Not more than a share of the rival's errors, or of what it gets right: of two networks that are right in 99.6 and 99 %,
        or in .3 and .9 % under attack, one is clearly better."""
        value = float(rival.mean()) / self.scale
        least = min(value, 1 - value) if self.metric != "nll" else value
        return self.scale * max(min(PRACTICAL.get(self.metric, 0.0), SHARE * least), 0.0) if len(rival) else 0.0

    def of(self, numbers: pd.DataFrame, students: Sequence[str]) -> pd.DataFrame:
        """A row per run, a column per student."""
        values = shared_runs(numbers, students, self.metric, set=self.set, score=self.score, scale=self.scale)
        if self.before is None:
            return values
        return replace(self, set=self.before[0], score=self.before[1], before=None).of(numbers, students) - values


ACCURACY = Measure("accuracy, points", "accuracy", True, scale=100)
NLL = Measure("NLL, nats", "nll", False)
ECE = Measure("ECE", "ece", False)


def compare(
    claim: str,
    statement: str,
    study: Study,
    a: str,
    b: str,
    measure: Measure,
    *,
    prefix: str = "",
    margin: float | pd.Series = 0,
) -> Check:
    """The claim that the first of two students is better in this measure."""
    compared = f"{prefix}{described(study.results, a)} against {described(study.results, b)}"
    values = measure.of(study.numbers, [a, b])
    against = {b: values[a] - values[b]}
    return Check(
        claim,
        statement,
        compared,
        measure.title,
        measure.higher,
        against,
        margin,
        (a, b),
        practical=measure.practical(values[b]),
    )


def together(cells: Sequence[Check], words: str) -> list[Check]:
    """The claim over all pairs of some rows that differ in the students alone: per run the mean of their differences, over the
    runs that every pair has. words: what the pairs are. [] for fewer than two pairs.

    It is the claim's primary row, one test however many pairs it joins, so it is corrected apart from the single pairs.
    """
    if len(cells) < 2:
        return []
    mean = pd.concat([values for cell in cells for values in cell.against.values()], axis=1).mean(axis=1, skipna=False)
    compared = f"all {len(cells)} pairs together ({words}), tested apart from the single pairs"
    students = tuple(dict.fromkeys(name for cell in cells for name in cell.students))
    small = min(cell.practical for cell in cells)
    return [replace(cells[0], compared=compared, against={TOGETHER: mean}, students=students, family=TOGETHER, practical=small)]


def best_of(claim: str, statement: str, study: Study, ours: str, rivals: Iterable[str], measure: Measure) -> list[Check]:
    """The claim that a student is better than every rival; no row without a rival."""
    rivals = list(rivals)
    if not rivals:
        return []
    values = measure.of(study.numbers, [ours, *rivals])
    return [better_than_each(claim, statement, described(study.results, ours), measure, values)]


def better_than_each(claim: str, statement: str, name: str, measure: Measure, values: pd.DataFrame) -> Check:
    """The claim that the student of the first column, called `name`, is better than that of each other column."""
    ours, *rivals = values.columns
    against = {rival: values[ours] - values[rival] for rival in rivals}
    compared = f"{name}, against {'each of ' if len(rivals) > 1 else ''}{', '.join(rivals)}"
    return Check(claim, statement, compared, measure.title, measure.higher, against, students=tuple(values.columns))
