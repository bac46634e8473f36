"""From how many votes on are more of them not worth much? Every number against the most votes, paired by run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from softcifar.report.chapters.votes.groups import Curve, Group, groups, measures
from softcifar.report.core import judged
from softcifar.report.core.columns import Field, effect, plain
from softcifar.report.core.design import Design
from softcifar.report.core.pairs import ACCURACY, Measure
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import ON_THESE, Check, Finding, decide, judge
from softcifar.report.core.voters import voters
from softcifar.report.core.words import capital, counted, listed

POINTS, NATS = 1.0, 0.02  # what is not worth further votes: of accuracy in points, of NLL and divergence in nats
VERDICTS = {"supported": "no more than the margin", "contradicted": "more than the margin"}


@dataclass(frozen=True)
class Worth:
    """What came out for one curve by one measure: each number of votes but the most, against the most."""

    group: Group
    curve: Curve
    measure: Measure
    findings: dict[int, Finding]

    @property
    def flat(self) -> int | None:
        """The fewest votes from which on further ones are not worth more than the margin, at every number that was tried."""
        found = None
        for count in reversed(self.findings):
            if not self.findings[count].verdict.startswith("supported"):
                break
            found = count
        return found

    def of(self, verdict: str) -> list[int]:
        return [count for count, finding in self.findings.items() if finding.verdict.startswith(verdict)]


def margin(measure: Measure) -> float:
    return POINTS if measure is ACCURACY else NATS


def short(measure: Measure) -> str:
    """What a sentence calls it."""
    return "agreement (KL)" if measure.metric == "kl_divergence" else measure.title.rpartition(",")[0]


def unit(measure: Measure) -> str:
    return "points" if measure is ACCURACY else "nats"


def allowed(measure: Measure) -> str:
    """The margin in words."""
    return f"{margin(measure):g} {unit(measure)}".replace("1 points", "1 point")


def judged_curves(study: Study) -> list[Worth]:
    """Every curve by every measure. The numbers of votes of one are corrected together."""
    found = []
    for group in groups(study.results):
        for curve in group.curves:
            for measure in measures(study):
                values = curve.values(study, measure)
                fewer, most = curve.points[:-1], values[curve.most]
                checks = [_check(count, names, measure, values[count] - most, curve.most) for count, names in fewer]
                findings = zip([count for count, _ in fewer], in_sequence(checks, study.design), strict=True)
                found.append(Worth(group, curve, measure, dict(findings)))
    return found


def in_sequence(checks: Sequence[Check], design: Design) -> list[Finding]:
    """Numbers of votes, rising, judged so that "from so many on" needs no correction: from the largest number down, each at the
    level of one test, up to the first that is not supported (a fixed sequence: Maurer, Hothorn & Lehmacher 1995). All others
    are contradicted after Holm's correction over the numbers, or undecided."""
    found: list[Finding] = []
    beyond = these = True  # is every larger number supported, for further images and for these?
    for check, corrected in reversed(list(zip(checks, judge(checks, design), strict=True))):
        (alone,) = judge([check], design)
        beyond = beyond and alone.verdict == "supported"
        these = these and decide([check], design.these)[0].side == "supported"
        if beyond or (these and alone.verdict != "supported"):
            found.append(alone)
        elif these:
            found.append(replace(alone, verdict=f"supported{ON_THESE}", reason="a larger number is not decided for others"))
        elif alone.verdict.startswith("supported"):
            found.append(replace(alone, verdict="undecided", reason="not tested, since a larger number is not decided"))
        else:
            fits = check.gain(next(iter(check.against))).mean() > 0  # then the side without a correction is nearer
            found.append(alone if fits else corrected)
    return found[::-1]


def _check(count: int, names: list[str], measure: Measure, less: pd.Series, most: int) -> Check:
    """The claim that so many votes are not worse than the most by more than the margin."""
    return Check("", "", str(count), measure.title, measure.higher, {str(most): less}, margin(measure), tuple(names))


def table(study: Study) -> Table:
    """A row per curve, measure and number of votes but the most."""
    records = [record for worth in judged_curves(study) for record in _records(study, worth)]
    several = len(groups(study.results)) > 1
    fields = [
        *([Field("group", "Students like")] if several else []),
        Field("labels", "Labels"),
        Field("votes", "Votes per image"),
        Field("metric", "Metric", text=lambda record: f"{record['metric']}\u00a0{'↑' if record['higher'] else '↓'}"),
        Field("mean", "Mean", "over runs", text=lambda record: plain(record["mean"], record["digits"])),
        Field("step", "Per further vote", "what one vote more changed, from this number to the next larger one, mean over runs",
              text=lambda record: effect(record["step"])),
        *judged.fields(study.design),
    ]  # fmt: skip
    note = (
        "Effect: so many votes less the most of these students, paired by run. Verdict: is the most worth more than the margin "
        f'({POINTS:g} point of accuracy, {NATS:g} nats)? It takes a one-sided p below .0075: for "more" after '
        'Holm\'s correction over the numbers of votes of one curve and metric, for "no more" without one, from the largest '
        "number down to the first that fails; the margin stands in the place of 0 for what is detectable and needed. "
        f"{judged.scope(study.design)}"
    )
    shown = ("digits",)
    return build("votes_worth", "Fewer votes against the most", note, fields, records, folded=True, shown_only=shown)


def _records(study: Study, worth: Worth) -> Iterator[dict]:
    means = worth.curve.values(study, worth.measure).mean()
    counts = [count for count, _ in worth.curve.points]
    for (count, finding), following in zip(worth.findings.items(), counts[1:], strict=True):
        side = VERDICTS.get(finding.verdict.removesuffix(ON_THESE), finding.verdict)
        yield judged.comparison(finding) | {
            "group": worth.group.name,
            "labels": worth.curve.title,
            "votes": count,
            "mean": means[count],
            "step": (means[following] - means[count]) / (following - count),
            "digits": 1 if worth.measure is ACCURACY else 3,
            "verdict": side + ON_THESE * finding.verdict.endswith(ON_THESE),
        }


def in_words(study: Study) -> dict[str, list[str]]:
    """By what a curve is made of, a text per measure: where it flattens, and what the first and the last votes brought."""
    found: dict[str, list[str]] = {}
    for worth in judged_curves(study):
        title = f"{worth.group.named}{worth.curve.title}"
        found.setdefault(title, []).append(f"{_flattens(worth)} {_per_vote(study, worth)}")
    return found


def flat_in_words(study: Study, measure: Measure) -> list[str]:
    """A sentence per curve: where it flattens by this measure."""
    asked = [worth for worth in judged_curves(study) if worth.measure == measure]
    return [f"{worth.group.named}{capital(worth.curve.title)}: b{_flattens(worth).removeprefix('B')}" for worth in asked]


def _flattens(worth: Worth) -> str:
    small = allowed(worth.measure)
    these = " (on these images)" * any(finding.verdict.endswith(ON_THESE) for finding in worth.findings.values())
    more, undecided, most = worth.of("contradicted"), worth.of("undecided"), max(worth.findings)
    if worth.flat is not None:
        verb = "is" if worth.flat == 1 else "are"
        larger = ", as is every larger number that was tried" * (worth.flat < most)
        parts = [f"{counted(worth.flat, 'votes')} per image {verb} at most {small} worse than {worth.curve.most}{larger}"]
        parts += [f"with {_numbers(undecided)} it is not decided"] if undecided else []
    elif most in more:
        parts = [f"{counted(most, 'votes')} per image are not enough".replace("vote per image are", "vote per image is")]
    else:
        parts = [f"it is not decided from how many votes on further ones are worth less than {small}{_expected(worth)}"]
    if more:
        parts.insert(1, f"with {_numbers(more)} the rest of the votes is worth more than {small}")
    decided = worth.flat is not None or more
    return f"By {short(worth.measure)}, {'; '.join(parts)}{these if decided else ''}."


def _expected(worth: Worth) -> str:
    """Whether that was to be expected: of labels that are exactly as good as those of the most votes, too."""
    finding = worth.findings[max(worth.findings)]
    if not finding.detectable > margin(worth.measure):
        return ""
    return (
        f", for which {counted(finding.n, finding.unit)} of such a spread are too few: labels that are exactly as good would "
        "be found to be so with a probability below 80 %"
    )


def _numbers(counts: list[int]) -> str:
    return listed([str(count) for count in counts])


def _per_vote(study: Study, worth: Worth) -> str:
    means = worth.curve.values(study, worth.measure).mean()
    counts = [count for count, _ in worth.curve.points]

    def step(low: int, high: int) -> str:
        return (
            f"{effect(round((means[high] - means[low]) / (high - low), 9))} {unit(worth.measure)} per vote from {low} to {high}"
        )

    steps = [step(counts[0], counts[1])] + ([step(counts[-2], counts[-1])] if len(counts) > 2 else [])
    return f"Means change by {' and by '.join(steps)}{'' if worth.measure.higher else ' (less is better)'}."


def draws(study: Study) -> str:
    """Which votes the students learned from, in words; "" where none learned from a part of them."""
    if not any(group.curves for group in groups(study.results)):
        return ""
    splits, theirs = len(study.results.splits), voters(study.results)
    if splits > 1:
        luck = f"Runs on the same one of the {splits} splits share a draw, and the spread between splits has its luck in it."
    else:
        luck = "All runs share one draw, so that no interval here has its luck in it."
    return (
        f"A student of n votes learned from the first n of {theirs} votes on every training image, in a random order that its "
        f"seed draws: the first three are the first one and two more, for all students of one seed. {luck}"
    )
