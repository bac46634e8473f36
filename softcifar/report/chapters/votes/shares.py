"""One vote on ten times as many images, or ten votes on one tenth? Students whose labels cost equally many votes."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from softcifar.labels.sampled import labelled
from softcifar.report.chapters.votes.groups import measures
from softcifar.report.chapters.votes.worth import short, unit
from softcifar.report.core import judged
from softcifar.report.core.columns import Field, effect, plain
from softcifar.report.core.kinds import SAMPLED, alike, distinct, percent, share_of_images, source, steps, votes_per_image
from softcifar.report.core.pairs import ACCURACY, Measure
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import ON_THESE, Check, Finding, judge
from softcifar.report.core.voters import voters
from softcifar.report.core.words import capital, counted

EQUAL = 0.01  # by which share of the larger one the numbers of votes of a pair may differ


@dataclass(frozen=True)
class Pair:
    """Two students of equally many votes that agree in all but how these are spread. votes: in all splits together, of each."""

    wide: str  # fewer votes on more images
    deep: str  # more votes on fewer images
    votes: tuple[int, int]


def pairs(results: Results) -> list[Pair]:
    """Those of one seed, the students of most images first; [] where no two students' votes cost the same."""
    found = []
    spent = {name: votes for name in distinct(results) if (votes := _spent(results, name))}
    for names in itertools.combinations(spent, 2):
        wide, deep = sorted(names, key=lambda name: -share_of_images(results, name))
        few, many = sorted((spent[wide], spent[deep]))
        other = share_of_images(results, wide) > share_of_images(results, deep)
        if other and many - few <= EQUAL * many and _agree(results, wide, deep):
            found.append(Pair(wide, deep, (spent[wide], spent[deep])))
    return sorted(found, key=lambda pair: -share_of_images(results, pair.deep))


def judged_pairs(study: Study) -> list[tuple[Pair, Measure, Finding]]:
    """Every pair by every measure. The pairs of one measure are corrected together."""
    listed, found = pairs(study.results), []
    for measure in measures(study) if listed else []:
        checks = []
        for pair in listed:
            values = measure.of(study.numbers, [pair.wide, pair.deep])
            against, small = {pair.deep: values[pair.wide] - values[pair.deep]}, measure.practical(values[pair.deep])
            names = (pair.wide, pair.deep)
            checks.append(Check("", "", "", measure.title, measure.higher, against, students=names, practical=small))
        found += zip(listed, [measure] * len(listed), judge(checks, study.design), strict=True)
    return found


def table(study: Study) -> Table:
    """A row per measure and pair."""
    records = []
    for pair, measure, finding in judged_pairs(study):
        means = measure.of(study.numbers, [pair.wide, pair.deep]).mean()
        records.append(
            judged.comparison(finding)
            | {
                "what": f"{_spread(study, pair.wide)} less {_spread(study, pair.deep)}",
                "students": f"{pair.wide} less {pair.deep}",
                "votes": max(pair.votes),
                "first": means[pair.wide],
                "second": means[pair.deep],
                "digits": 1 if measure is ACCURACY else 3,
            }
        )
    fields = [
        Field("metric", "Metric", text=lambda record: f"{record['metric']}\u00a0{'↑' if record['higher'] else '↓'}"),
        Field("what", "What is compared"),
        Field("students", "Students", "the first less the second"),
        Field("votes", "Votes", "of each of the two, in all splits together", text=lambda record: f"{record['votes']:,}"),
        Field("first", "First", "mean over runs", text=lambda record: plain(record["first"], record["digits"])),
        Field("second", "Second", "mean over runs", text=lambda record: plain(record["second"], record["digits"])),
        *judged.fields(study.design),
    ]
    note = (
        "Better: fewer votes on more images are. It takes a one-sided p below .0075 after Holm's correction over the rows of "
        "one metric; equivalent, that the difference is smaller than what matters in practice. The numbers of votes of a row "
        f"differ by at most {percent(EQUAL)}, and those on one image begin with the same votes. "
        f"{judged.scope(study.design)}"
    )
    return build("votes_or_images", "More images, or more votes on each?", note, fields, records, shown_only=("digits",))


def about(study: Study) -> str:
    """How students learn from a share of the images, in words; "" where none is compared."""
    listed = pairs(study.results)
    if not listed:
        return ""
    fewest = min((pair.deep for pair in listed), key=lambda name: share_of_images(study.results, name))
    batch = study.results.params["students"][fewest]["batch_size"]
    several = ""
    if not isinstance(batch, list):
        different = round(batch * share_of_images(study.results, fewest))
        several = f"; a batch of {batch} has about {counted(different, 'different images')} where {fewest} learns"
    theirs = voters(study.results)
    return (
        f"With a fixed number of {theirs} votes, are they better spent on more images or on more votes for each? Students of "
        "fewer images see only those: in every batch, labelled images, drawn anew and augmented anew, take the places of the "
        f"others. That costs as many steps as learning from all images does{several}. Which images are labelled is drawn once "
        "per split."
    )


def in_words(study: Study, by: Sequence[Measure] = ()) -> list[str]:
    """A sentence per pair: which of the two is better, by these measures, or by every one."""
    found: dict[Pair, list[str]] = {}
    for pair, measure, finding in judged_pairs(study):
        if not by or measure in by:
            found.setdefault(pair, []).append(f"by {short(measure)}, {_says(study, measure, finding)}")
    return [
        f"{capital(_spread(study, pair.wide))} or {_spread(study, pair.deep)}, {_either_way(study, pair)}: {'; '.join(each)}."
        for pair, each in found.items()
    ]


def _either_way(study: Study, pair: Pair) -> str:
    splits = len(study.results.splits)
    return f"{round(max(pair.votes) / splits):,} votes{' in each split' * (splits > 1)} either way"


def _says(study: Study, measure: Measure, finding: Finding) -> str:
    verdict = judged.compared(finding.verdict)
    these = ON_THESE * verdict.endswith(ON_THESE)
    said = {
        "better": "more images are better",
        "worse": "more votes per image are better",
        "equivalent": "the two are equivalent",
        "undecided": "it is undecided",
    }[verdict.removesuffix(ON_THESE)]
    return f"{said}{these} ({effect(finding.effect)} {unit(measure)}{judged.interval(finding, study.design)})"


def _spread(study: Study, name: str) -> str:
    """1 vote on every image; 10 votes on 10 % of the images."""
    count, share = votes_per_image(study.results, name), share_of_images(study.results, name)
    return f"{counted(count, 'votes')} on {'every image' if share == 1 else f'{percent(share)} of the images'}"


def _spent(results: Results, name: str) -> int:
    """How many votes its labels were made of, in all splits; 0 for labels that are not a number of votes per image."""
    count = votes_per_image(results, name)
    if source(results, name) not in SAMPLED or isinstance(count, list):
        return 0
    total, share, seed = 0, share_of_images(results, name), _seed(results, name)
    for split in range(len(results.splits)):
        each = results.part("train", split).get("votes", np.empty((0, 0))).sum(axis=1)
        total += int(each.clip(max=count)[labelled(len(each), share, seed)].sum())
    return total


def _agree(results: Results, a: str, b: str) -> bool:
    """In all but their labels, and the step that leaves out images without one, and with votes of one seed?"""
    of_labels = {source(results, name) for name in (a, b) if votes_per_image(results, name) != 1}  # of one vote, either
    steps_too = all(steps(results, a, key) == steps(results, b, key) for key in ("augment", "finetune_augment"))
    same = alike(results, a, b, but=("labels", "augment", "finetune_augment"))
    return same and steps_too and len(of_labels) <= 1 and _seed(results, a) == _seed(results, b)


def _seed(results: Results, name: str) -> int:
    return results.params["labels"][results.params["students"][name]["labels"]]["options"]["seed"]
