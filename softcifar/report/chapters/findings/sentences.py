"""Each question's answer in a computed sentence: who, by how much, interval, n; or that it is not decided, and what would."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from softcifar.metrics.statistics import FEWEST, LEVEL
from softcifar.report.chapters import votes
from softcifar.report.chapters.findings.benefits import QUESTIONS, RIGHT, Benefit, benefits, judged_benefits
from softcifar.report.chapters.methods import gains
from softcifar.report.chapters.robustness.masking import masking
from softcifar.report.core import judged, pairs
from softcifar.report.core.columns import ACCURACY, plain
from softcifar.report.core.design import Design
from softcifar.report.core.kinds import described, distinct
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import ON_THESE, SKEWED, Finding
from softcifar.report.core.words import counted

NAMED = 3  # students that a sentence names on each side
MOST = 1000  # runs: more than that would never be trained


@dataclass(frozen=True)
class Answer:
    """counts: {one of SIDES: students}, {} where the sentence is not about students one by one; text: a sentence."""

    counts: dict[str, int]
    text: str


METHODS = Benefit("methods", ACCURACY, "", RIGHT[0].format(""), RIGHT[1])
SIDES = ("better", "worse", "better on these images", "worse on these images", "not decided")


def answers(study: Study) -> list[tuple[str, str, list[Answer]]]:
    """(question, the chapter with its evidence, an answer per number) for what the study can answer."""
    found, rows = benefits(study), judged_benefits(study)
    listed = []
    for key, (question, evidence, _) in QUESTIONS.items():
        asked = [benefit for benefit in found if benefit.question == key]
        each = [answer(benefit, rows[benefit.column.key], study.reference, study.design) for benefit in asked]
        if key == "robustness" and each and (masked := hidden(study)):
            each[0] = replace(each[0], text=f"{each[0].text} {masked}")
        if each:
            listed.append((question, evidence, each))
    if beside := judged_methods(study):
        each = [answer(METHODS, beside, "the plain network with the same labels", study.design)]
        listed.append(("Does an uncertainty method make it right more often?", "methods", each))
    if said := votes.by_accuracy(study):
        listed.append((votes.CHAPTER.title, votes.CHAPTER.name, [Answer({}, text) for text in said]))
    return listed


def judged_methods(study: Study) -> list[Finding]:
    """Accuracy of every student with an uncertainty method against the plain one with the same labels, corrected together."""
    return gains.judged_gains(study, pairs.ACCURACY)


def unanswered(study: Study) -> list[str]:
    """Why other questions are not answered."""
    asked = {benefit.question for benefit in benefits(study)}
    return [f"{question} {why}" for key, (question, _, why) in QUESTIONS.items() if why and key not in asked]


def answer(benefit: Benefit, rows: list[Finding], reference: str, design: Design) -> Answer:
    sides: dict[str, list[Finding]] = {words: [] for words in SIDES}
    for row in rows:
        sides[_words(row, design)].append(row)
    counts = {words: len(chosen) for words, chosen in sides.items()}
    if not rows:
        return Answer(counts, f"Nothing to compare with {reference}.")
    parts = []
    for words in SIDES[:-1]:
        largest = sorted(sides[words], key=lambda row: -abs(row.effect))
        named = [by(benefit, row, design, full=number == 0) for number, row in enumerate(largest[:NAMED])]
        if named:
            worse = benefit.worse if any(sides[each] for each in SIDES if each.startswith("better")) else benefit.opposite
            said = benefit.better if words.startswith("better") else worse
            alone = "on these images alone, " if words.endswith(ON_THESE) else ""
            parts.append(f"{alone}{said.format(reference)}: {_listed(named, len(largest) - NAMED)}")
    parts = parts or [f"{benefit.better.format(reference)}: not decided for anybody"]
    text = "; ".join([*parts, *_open(benefit, sides["not decided"], design)])
    return Answer(counts, f"{text[0].upper()}{text[1:]}.")


def side(row: Finding) -> str:
    """better, worse or undecided, be it on these images alone."""
    return judged.compared(row.verdict).removesuffix(ON_THESE)


def _words(row: Finding, design: Design) -> str:
    """One of SIDES: "on these images" is said of a row where the study tells of others as well."""
    verdict = judged.compared(row.verdict)
    return "not decided" if verdict == "undecided" else verdict if design.tells_beyond else side(row)


def by(benefit: Benefit, row: Finding, design: Design, *, full: bool) -> str:
    """human +2.3 points (95 % interval +1.2 to +3.4, 5 runs); else without the words."""
    size, ends = signed(benefit.gain(row.effect)), " to ".join(map(signed, interval(benefit, row)))
    if not full:
        return f"{row.compared} {size} ({ends})"
    return f"{row.compared} {size} {benefit.unit} (95 % interval {ends}, {judged.draws(row, design)})"


def interval(benefit: Benefit, row: Finding) -> tuple[float, float]:
    """Of the gain: for further images, but where the study or the verdict is about these alone."""
    low, high = (row.low, row.high) if judged.on_these(row) else (row.images_low, row.images_high)
    low, high = sorted((benefit.gain(low), benefit.gain(high)))
    return low, high


def signed(value: float) -> str:
    """+2.3, −0.4; 0.0 has no sign."""
    text = plain(value, 1)
    return f"+{text}" if value > 0 and float(text) else text


def _open(benefit: Benefit, rows: list[Finding], design: Design) -> Iterable[str]:
    """What is not decided: the row that is closest to it, and what would decide it, or why there is none."""
    if not rows:
        return
    count, unit = max(row.n for row in rows), rows[0].unit
    if count < FEWEST:
        ends = sorted(rows, key=lambda row: benefit.gain(row.effect))
        chosen = dict.fromkeys((ends[0], ends[-1]))
        span = " to ".join(f"{signed(benefit.gain(row.effect))} ({row.compared})" for row in chosen)
        yield f"a test takes {FEWEST} {unit} and has {count}, so {FEWEST - count} more; seen, in {benefit.unit}: {span}"
        return
    yield from _closest(benefit, [row for row in rows if tested(row)], design)
    for words, chosen in (
        ("no spread to judge by", [row for row in rows if row.n >= FEWEST and not tested(row)]),
        (f"too few {unit}", [row for row in rows if row.n < FEWEST]),
    ):
        if chosen:
            yield f"{words}: {_listed([row.compared for row in chosen])}"


def tested(row: Finding) -> bool:
    """Was there a test at all?"""
    return not math.isnan(row.low)


def _closest(benefit: Benefit, rows: list[Finding], design: Design) -> Iterable[str]:
    """How many runs more is about these images, so it is not said where the study tells of other images."""
    near = rows if _others(design) else [row for row in rows if row.needed <= MOST]
    if not near:
        if rows:
            yield f"what is not decided would take over {MOST:,} {rows[0].unit}"
        return

    def distance(row: Finding) -> float:
        low, high = interval(benefit, row)
        return (high - low) / abs(low + high) if low + high else math.inf

    first = min(near, key=distance if _others(design) else lambda row: row.needed)
    gain = benefit.gain(first.effect)
    size = f"{plain(abs(gain), 1)} {benefit.unit} {'better' if gain > 0 else 'worse'} as seen"
    ends = f"95 % interval {' to '.join(map(signed, interval(benefit, first)))}, {judged.draws(first, design)}"
    more = ""
    if not _others(design):
        runs = max(int(first.needed) - first.n, 1)
        unit = first.unit[:-1] if runs == 1 else first.unit
        more = f", by {runs} {unit} more if the difference is as large as it looks"
    yield f"closest to a decision: {first.compared}, {size} ({ends}){more}"


def _others(design: Design) -> bool:
    """Are there two questions, one of these images and one of others?"""
    return design.splits is not None and design.tells_beyond


def about(design: Design, *, novel: bool = False) -> str:
    """The first line: of what everything below tells. novel: whether there are novel images."""
    if design.splits is None:
        return "Everything here is about further data sets like these."
    if not design.tells_beyond:
        return "Everything here is about further runs on these test images and says nothing of other images."
    return (
        f"Differences are about further images like these, by the spread between {design.splits} splits; only where it says "
        "“on these images” they are about further runs on these test images alone."
    ) + judged.NOVEL * novel


def measures_nothing(study: Study) -> str:
    """What a page says above all where too few runs make any comparison impossible; "" elsewhere."""
    runs, results = study.most_runs, study.results
    if runs >= FEWEST:
        return ""
    lengths = {int(np.max(student.options["epochs"])) for student in results.students.values()}
    epochs = max(lengths)
    trained = f"{'at most ' * (len(lengths) > 1)}{counted(epochs, 'epochs')} on {len(results.part('train')['labels']):,} images"
    what = "measures nothing: it shows that every step runs, and what a report looks like" if epochs == 1 else "decides nothing"
    return (
        f"This page {what}. Every student has {counted(runs, 'runs')} of {trained}, and a test or an interval takes "
        f"{FEWEST} runs or more."
    )


def opening(study: Study) -> str:
    """What a student is, on which data, and the reference."""
    results, reference = study.results, study.reference
    images = f"{len(results.part('test')['labels']):,} test images"
    images += f" in each of {len(results.splits)} splits" if len(results.splits) > 1 else ""
    runs = len(results.students[reference].seeds)
    return (
        f"A student is a network trained on one kind of label; {len(study.students)} of them were trained on "
        f"{results.manifest['dataset']} ({len(results.classes)} classes), each in {runs} run{'s' * (runs > 1)}, "
        f"and tested on {images}. The others are compared with {described(results, reference)}, which is right on "
        f"{100 * study.means(ACCURACY)[reference]:.1f} % of them."
    )


def left_out(study: Study) -> str:
    """The students whose networks stand under another name; "" where there are none."""
    names = [name for name in study.students if name not in (study.reference, *distinct(study.results))]
    return f"Left out, since the same networks stand under another name: {', '.join(names)}." if names else ""


def hidden(study: Study) -> str:
    """Who among the students that withstand the attack better has gradients that look masked; "" where nobody has."""
    rows = judged_benefits(study)
    attacked = [benefit.column.key for benefit in benefits(study) if benefit.column.metric == "fgsm_accuracy"]
    better = {row.compared for key in attacked for row in rows[key] if side(row) == "better"}
    flagged = [name for name in dict.fromkeys(flag.student for flag in masking(study.results)) if name in better]
    return (
        f"The gradients of {_listed(flagged)} look masked, so FGSM flatters {'them' if len(flagged) > 1 else 'it'}."
        if flagged
        else ""
    )


def any_by_chance(rows: Iterable[list[Finding]], design: Design) -> str:
    """How likely a page would decide something although nothing differs, were its numbers independent; "" without a test.

    rows: of each number. Where two questions have tests of their own, each is a further number.
    """
    columns = (1 + design.two_questions) * sum(any(map(tested, each)) for each in rows)
    if not columns:
        return ""
    usual, skewed = (f"{100 * (1 - (1 - level) ** columns):.0f} %" for level in (LEVEL, SKEWED))
    return f"about {usual}, up to {skewed} where runs are skewed,"


def _listed(names: list[str], further: int = 0) -> str:
    names = [*names, f"{further} more"] if further > 0 else names
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
