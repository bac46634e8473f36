"""Each question's answer in a computed sentence: who, by how much, interval, n; or that it is not decided, and what would."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from softcifar.metrics.statistics import FEWEST, LEVEL
from softcifar.report.chapters.findings.benefits import QUESTIONS, Benefit, benefits, judged_benefits
from softcifar.report.chapters.robustness.masking import masking
from softcifar.report.core import judged
from softcifar.report.core.columns import plain
from softcifar.report.core.kinds import distinct
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import ON_THESE, Finding

NAMED = 3  # students that a sentence names on each side
MOST = 1000  # runs: more than that would never be trained


@dataclass(frozen=True)
class Answer:
    """counts: {"better" | "worse" | "not decided": students}; text: a sentence."""

    counts: dict[str, int]
    text: str


def answers(study: Study) -> list[tuple[str, str, list[Answer]]]:
    """(question, the chapter with its evidence, an answer per number) for what the study can answer."""
    found, rows = benefits(study.results), judged_benefits(study)
    listed = []
    for key, (question, evidence, _) in QUESTIONS.items():
        each = [answer(benefit, rows[benefit.column.key], study.reference) for benefit in found if benefit.question == key]
        if each:
            listed.append((question, evidence, each))
    return listed


def unanswered(study: Study) -> list[str]:
    """Why other questions are not answered."""
    asked = {benefit.question for benefit in benefits(study.results)}
    return [f"{question} {why}" for key, (question, _, why) in QUESTIONS.items() if why and key not in asked]


def answer(benefit: Benefit, rows: list[Finding], reference: str) -> Answer:
    sides: dict[str, list[Finding]] = {"better": [], "worse": [], "undecided": []}
    for row in rows:
        sides[side(row)].append(row)
    counts = {"better": len(sides["better"]), "worse": len(sides["worse"]), "not decided": len(sides["undecided"])}
    if not rows:
        return Answer(counts, f"Nothing to compare with {reference}.")
    parts = []
    for words, chosen in ((benefit.better.format(reference), sides["better"]), (benefit.worse, sides["worse"])):
        largest = sorted(chosen, key=lambda row: -abs(row.effect))
        named = [by(benefit, row, full=number == 0) for number, row in enumerate(largest[:NAMED])]
        if named or not parts:
            parts.append(f"{words}: {_listed(named, len(largest) - NAMED) or 'nobody decidedly'}")
    parts += _open(benefit, sides["undecided"])
    text = "; ".join(parts)
    return Answer(counts, f"{text[0].upper()}{text[1:]}.")


def side(row: Finding) -> str:
    """better, worse or undecided, be it on these images alone."""
    return judged.compared(row.verdict).removesuffix(ON_THESE)


def by(benefit: Benefit, row: Finding, *, full: bool) -> str:
    """human by 2.3 points (95 % interval 1.2 to 3.4, 5 runs); else without the words."""
    low, high = sorted(abs(end) for end in interval(benefit, row))
    size, ends = plain(abs(benefit.shown(row.effect)), 1), f"{plain(low, 1)} to {plain(high, 1)}"
    if not full:
        return f"{row.compared} by {size} ({ends})"
    return f"{row.compared} by {size} {benefit.unit} (95 % interval {ends}, {row.n} {row.unit})"


def interval(benefit: Benefit, row: Finding) -> tuple[float, float]:
    """Of the difference as it is shown: for further images, but where the study or the verdict is about these alone."""
    these = math.isnan(row.images_low) or row.verdict.endswith(ON_THESE)
    low, high = (row.low, row.high) if these else (row.images_low, row.images_high)
    low, high = sorted((benefit.shown(low), benefit.shown(high)))
    return low, high


def signed(value: float) -> str:
    """+2.3, −0.4; 0.0 has no sign."""
    text = plain(value, 1)
    return f"+{text}" if value > 0 and float(text) else text


def _open(benefit: Benefit, rows: list[Finding]) -> Iterable[str]:
    """What is not decided: the row that the fewest further runs would decide, or why there is none."""
    if not rows:
        return
    count, unit = max(row.n for row in rows), rows[0].unit

    def seen(row: Finding) -> str:
        return signed(benefit.shown(row.effect))

    if count < FEWEST:
        ends = sorted(rows, key=lambda row: benefit.shown(row.effect))
        span = " to ".join(f"{seen(row)} ({row.compared})" for row in dict.fromkeys((ends[0], ends[-1])))
        yield f"a test takes {FEWEST} {unit} and has {count}, so {FEWEST - count} more; seen, in {benefit.unit}: {span}"
        return
    near = [row for row in rows if row.needed <= MOST]
    if not near:
        yield f"what is not decided would take over {MOST:,} {unit}"
        return
    first = min(near, key=lambda row: row.needed)
    size = f"{seen(first)} {benefit.unit}, {' to '.join(map(signed, interval(benefit, first)))}, {first.n} {unit}"
    more = max(int(first.needed) - first.n, 1)
    yield f"closest to a decision: {first.compared} ({size}), by {more} {unit[:-1] if more == 1 else unit} more"


def left_out(study: Study) -> str:
    """The students whose networks stand under another name; "" where there are none."""
    names = [name for name in study.students if name not in (study.reference, *distinct(study.results))]
    return f"Left out, since the same networks stand under another name: {', '.join(names)}." if names else ""


def hidden(study: Study) -> str:
    """Who among the students that withstand the attack better has gradients that look masked; "" where nobody has."""
    rows = judged_benefits(study)
    attacked = [benefit.column.key for benefit in benefits(study.results) if benefit.column.metric == "fgsm_accuracy"]
    better = {row.compared for key in attacked for row in rows[key] if side(row) == "better"}
    flagged = [name for name in dict.fromkeys(flag.student for flag in masking(study.results)) if name in better]
    return (
        f"The gradients of {_listed(flagged)} look masked, so FGSM flatters {'them' if len(flagged) > 1 else 'it'}."
        if flagged
        else ""
    )


def any_by_chance(columns: int) -> str:
    """How likely a page of so many columns would decide something although nothing differs, were they independent."""
    return f"{100 * (1 - (1 - LEVEL) ** columns):.0f} %"


def _listed(names: list[str], further: int = 0) -> str:
    names = [*names, f"{further} more"] if further > 0 else names
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
