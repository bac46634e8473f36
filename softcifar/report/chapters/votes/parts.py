"""Do people's labels help because they are soft, or because they correct the data set's labels?"""

from collections.abc import Sequence

import numpy as np

from softcifar.report.chapters.votes.groups import HARD, HUMAN, KEPT, MAJORITY, Group, groups, measures
from softcifar.report.chapters.votes.worth import NATS, POINTS, allowed, margin, short, unit
from softcifar.report.core import judged
from softcifar.report.core.columns import Field, effect
from softcifar.report.core.pairs import Measure
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import ON_THESE, Check, Finding, judge
from softcifar.report.core.voters import voters

BOTH, SOFT, RIGHT, WHICH = "both", "softness alone", "correction alone", "softness alone less correction alone"
FIRST, LATER = "softness, labels corrected before", "correction, labels soft before"
COMPARED = {  # what is asked -> label sources, the first less the second
    BOTH: (HUMAN, HARD),
    SOFT: (KEPT, HARD),
    RIGHT: (MAJORITY, HARD),
    WHICH: (KEPT, MAJORITY),
    FIRST: (HUMAN, MAJORITY),
    LATER: (HUMAN, KEPT),
}


def judged_parts(study: Study) -> list[tuple[Group, Measure, dict[str, Finding]]]:
    """By group with kept labels and measure, every comparison whose students are there. Those of one are corrected together."""
    found = []
    for group in groups(study.results):
        asked = {what: pair for what, pair in COMPARED.items() if KEPT in group.plain and set(pair) <= group.plain.keys()}
        for measure in measures(study) if asked else []:
            values = measure.of(study.numbers, [*group.plain.values()])
            checks = []
            for what, pair in asked.items():
                ours, theirs = (group.plain[each] for each in pair)
                against = {theirs: values[ours] - values[theirs]}
                checks.append(Check("", "", what, measure.title, measure.higher, against, students=(ours, theirs)))
            found.append((group, measure, dict(zip(asked, judge(checks, study.design), strict=True))))
    return found


def table(study: Study) -> Table:
    """A row per measure and comparison."""
    records = [
        judged.comparison(finding) | {"group": group.name, "what": what, "students": " less ".join(finding.students)}
        for group, _, findings in judged_parts(study)
        for what, finding in findings.items()
    ]
    fields = [
        Field("metric", "Metric", text=lambda record: f"{record['metric']}\u00a0{'↑' if record['higher'] else '↓'}"),
        Field("what", "What is compared"),
        Field("students", "Students", "the first less the second"),
        *judged.fields(study.design),
    ]
    note = (
        "Kept labels have the shares of the votes, but the data set's label has the largest one: softness without correction. "
        "The majority of the votes is correction without softness. Better and worse take a one-sided p below .0075 after "
        "Holm's correction over the rows of one metric. A sentence says that an advantage comes from the one rather than from "
        "the other only where one more test, apart from these, shows that the other brings less than the margin "
        f"({POINTS:g} point of accuracy, {NATS:g} nats) both alone and on top of the first. {_corrected(study)} "
        f"{judged.scope(study.design)}"
    )
    return build("softness_or_correction", "Softness or correction?", note, fields, records)


def _corrected(study: Study) -> str:
    """How many labels the votes correct, and what that means for a test against labels."""
    shares = []
    for split in range(len(study.results.splits)):
        train = study.results.part("train", split)
        if "votes" not in train:
            return ""
        own = train["votes"][np.arange(len(train["labels"])), train["labels"]]
        shares.append(float((own < train["votes"].max(axis=1)).mean()))
    return (
        f"Of the training images {100 * np.mean(shares):.1f} % have a class with more votes than their label. Accuracy and NLL "
        "are against the test images' labels, of which nobody corrected any."
    )


def in_words(study: Study, by: Sequence[Measure] = ()) -> list[str]:
    """A sentence per measure, of these or of all: what people's labels bring, and by which of the two."""
    asked = [each for each in judged_parts(study) if not by or each[1] in by]
    return [sentence for each in asked if (sentence := _sentence(study, *each))]


def _sentence(study: Study, group: Group, measure: Measure, found: dict[str, Finding]) -> str:
    if BOTH not in found:
        return ""
    name, both = short(measure), found[BOTH]
    whose = voters(study.results)
    seen = f"({_size(measure, both)}{judged.interval(both, study.design)})"
    says = f"{group.named}By {name}, {whose} labels are {_verdict(both)} than the data set's {seen}"
    parts = [
        f"{what} is {_verdict(found[what])} ({_size(measure, found[what])}{judged.interval(found[what], study.design)})"
        for what in (SOFT, RIGHT)
        if what in found
    ]
    if judged.compared(both.verdict).startswith("undecided"):
        says = f"{group.named}By {name}, it is undecided whether {whose} labels are better than the data set's {seen}"
    closing = _closing(study, group, measure, found) if WHICH in found else ""
    return f"{says}: {' and '.join(parts)}{f'; {closing}' if closing else ''}."


def _closing(study: Study, group: Group, measure: Measure, found: dict[str, Finding]) -> str:
    """Which of the two does more. An advantage comes from the one *rather than* from the other only where the other is shown to
    bring less than the margin, both alone and on top of the first: one that does more than the other may leave that a lot."""
    which = found[WHICH]
    size = f"softness less correction {_size(measure, which)}{judged.interval(which, study.design)}"
    word = _verdict(which).split()[0]
    if word not in ("better", "worse"):
        return f"which of the two does more is undecided ({size})"
    first, second = ("softness", "correction") if word == "better" else ("correction", "softness")
    alone = found[SOFT if first == "softness" else RIGHT]
    there = [which.verdict, alone.verdict]
    if not alone.verdict.startswith("supported"):  # nothing that the other does less of
        said = f"labels with {first} alone are better than those with {second} alone"
        there = [which.verdict]
    elif found[BOTH].verdict.startswith("supported") and (
        brings := negligible(study, group, measure, second).verdict
    ).startswith("supported"):
        said = f"the advantage comes from {first} rather than from {second}, which brings less than {allowed(measure)}, alone "
        said += f"and on top of {first}"
        there += [found[BOTH].verdict, brings]
    else:
        said = f"{first} alone does more than {second} alone"
    return f"{said} ({size}{', on these images' * any(verdict.endswith(ON_THESE) for verdict in there)})"


def negligible(study: Study, group: Group, measure: Measure, which: str) -> Finding:
    """The claim that one of the two brings less than the margin of votes, alone and on top of the other: both have to be shown,
    so the larger p counts. which: "softness" or "correction"."""
    asked = (RIGHT, LATER) if which == "correction" else (SOFT, FIRST)
    values = measure.of(study.numbers, [*group.plain.values()])
    against = {}
    for what in asked:
        ours, theirs = (group.plain[each] for each in COMPARED[what])
        against[what] = values[theirs] - values[ours]
    (finding,) = judge([Check("", "", which, measure.title, measure.higher, against, margin(measure))], study.design)
    return finding


def _verdict(finding: Finding) -> str:
    return judged.compared(finding.verdict)


def _size(measure: Measure, finding: Finding) -> str:
    return f"{effect(finding.effect)} {unit(measure)}"
