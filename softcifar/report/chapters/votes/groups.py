"""Students that differ in whose labels they learned from, and how many votes, and in nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from softcifar.report.core.kinds import SAMPLED, SOURCE_TITLES, alike, distinct, share_of_images, source, votes_per_image
from softcifar.report.core.pairs import ACCURACY, NLL, Measure
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.voters import voters

HARD, MAJORITY, HUMAN, KEPT = "hard", "majority", "human", "human_kept"
ALL = {"human_sampled": HUMAN, "majority_sampled": MAJORITY}  # the source of the same labels from all votes


@dataclass(frozen=True)
class Curve:
    """Labels made of more and more votes. points: (votes per image, its students), rising; of several students of one number,
    which differ in the seed that draws their votes, the mean counts."""

    source: str  # of the labels from all votes
    points: list[tuple[int, list[str]]]

    @property
    def title(self) -> str:
        return SOURCE_TITLES[self.source]

    @property
    def most(self) -> int:
        return self.points[-1][0]

    def values(self, study: Study, measure: Measure) -> pd.DataFrame:
        """A row per run, a column per number of votes; each the mean over its students."""
        means = {count: measure.of(study.numbers, names).mean(axis=1) for count, names in self.points}
        return pd.DataFrame(means).dropna()


@dataclass(frozen=True)
class Group:
    """plain: by label source, the students that learned from hard labels, all votes, their majority, or kept labels."""

    name: str  # of the first student; "" where the study has one group
    curves: list[Curve]
    plain: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> str:
        """Begins a sentence about one group of several."""
        return f"Students like {self.name}: " if self.name else ""


def groups(results: Results) -> list[Group]:
    """Those with a student of a number of votes beside another number, or of kept labels beside hard ones; [] without any.

    Students with labels of a share of the images are in none (softcifar.report.chapters.votes.shares)."""
    wanted = {HARD, MAJORITY, HUMAN, KEPT, *SAMPLED}
    listed: list[list[str]] = []
    for name in distinct(results):
        tuned = isinstance(votes_per_image(results, name), list)
        if source(results, name) in wanted and not tuned and share_of_images(results, name) == 1:
            own = next((each for each in listed if alike(results, each[0], name, but=("labels",))), None)
            listed.append([name]) if own is None else own.append(name)
    found = [group for names in listed if (group := _group(results, names))]
    return found if len(found) > 1 else [Group("", each.curves, each.plain) for each in found]


def _group(results: Results, names: list[str]) -> Group | None:
    plain: dict[str, str] = {}
    for name in names:
        if (labels := source(results, name)) not in SAMPLED:
            plain.setdefault(labels, name)
    curves = list(_curves(results, names, plain))
    return Group(names[0], curves, plain) if curves or {HARD, KEPT} <= plain.keys() else None


def _curves(results: Results, names: list[str], plain: Mapping[str, str]) -> Iterator[Curve]:
    votes = results.part("train").get("votes")
    mean = 0 if votes is None else round(float(votes.sum(axis=1).mean()))
    for sampled, whole in ALL.items():
        points: dict[int, list[str]] = {}
        for name in names:
            count = votes_per_image(results, name)
            if source(results, name) == sampled or count == 1:  # one vote is its own majority
                points.setdefault(count, []).append(name)
        if whole in plain and points:
            points = {count: names for count, names in points.items() if count < mean}  # others are all votes of most images
            points[mean] = [plain[whole]]
        if len(points) > 1:
            yield Curve(whole, sorted(points.items()))


def measures(study: Study) -> list[Measure]:
    """Accuracy, NLL and, where the test images have a label distribution, the divergence from it."""
    known = study.results.targets("test")
    if not known:
        return [ACCURACY, NLL]
    first = next(iter(known))  # people's votes before the exact distribution
    whose = f"{voters(study.results)} votes" if first == "human" else "the exact distribution"
    return [ACCURACY, NLL, Measure(f"KL divergence from {whose}, nats", "kl_divergence", False, set=first)]
