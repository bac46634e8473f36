"""What an uncertainty method gains over the plain network that learned from the same labels, and what it costs beside it."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from softcifar.report.core.columns import HEADLINE_SCORE, Field, between, effect, plain
from softcifar.report.core.kinds import OF_ALL_METHODS, PLAIN, method, method_title
from softcifar.report.core.pairs import ACCURACY, ECE, NLL, Measure
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import Check, Finding, judge
from softcifar.report.core.words import counted, flatten, listed, words

COSTS = ("passes", "parameters", "seen")  # of the long table, see softcifar.report.chapters.summary.cost
NOTE = (
    "A row for every student whose method is not plain softmax, and for the deep ensembles of the plain students beside them. "
    "Gains over the single networks of the plain student, + is better, of errors too: means over runs, with a 95 % interval "
    "where runs are paired, which is about further images like these where three splits or more tell of them, else about "
    "further runs on these. Weights and training images as times the plain student's."
)


@dataclass(frozen=True)
class Gain:
    """mean, and a 95 % interval (Design.shown); NaN where there are no pairs or too few."""

    mean: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Beside:
    """A student, or a deep ensemble of a plain one's runs, beside the plain student `plain`.

    gains: by the title of a measure, + is better; costs: by COSTS, `passes` as a number, the others times the plain student's;
    keeps: what is stored beside weights that are trained, in words.
    """

    name: str
    title: str
    plain: str
    n: int
    ensemble: bool = False
    gains: dict[str, Gain] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    keeps: str = ""


def measures(results: Results) -> list[Measure]:
    """Accuracy, NLL, ECE; on novel images AUROC by the score that a method offers as its own, else by predictive entropy."""
    scores = {name: _own(results, name) for name in results.students}
    novel = [Measure(f"AUROC {kind}", "auroc", True, kind, scores) for kind in results.ood_kinds]
    return [ACCURACY, NLL, ECE, *novel]


def gather(study: Study) -> list[Beside]:
    """In the order of params, each plain student's ensemble after the methods beside it; [] where there is no such method."""
    results, found = study.results, []
    others = [name for name in study.students if method(results, name) != PLAIN]
    beside = {name: counterpart(results, name) for name in others}
    for base in dict.fromkeys(filter(None, beside.values())):
        found += [_method(study, name, base) for name in others if beside[name] == base]
        ensembles = study.numbers[(study.numbers["student"] == base) & (study.numbers["kind"] == "ensemble")]
        if len(ensembles):
            found.append(_ensemble(study, base))
    return found


def counterpart(results: Results, name: str) -> str | None:
    """The plain student with the same labels and loss whose other options differ least, the first of equals."""
    students = results.params["students"]
    ours = students[name]
    rivals = [
        other
        for other, theirs in students.items()
        if method(results, other) == PLAIN and (theirs["labels"], theirs["loss"]) == (ours["labels"], ours["loss"])
    ]
    flat = {each: flatten(students[each]) for each in (name, *rivals)}

    def apart(other: str) -> int:
        keys = flat[name].keys() | flat[other].keys()
        return sum(flat[name].get(key) != flat[other].get(key) for key in keys)

    return min(rivals, key=apart, default=None)


def _own(results: Results, name: str) -> str:
    own = [score for score in results.students[name].novelty if score not in OF_ALL_METHODS]
    return own[0] if own else HEADLINE_SCORE


def _method(study: Study, name: str, base: str) -> Beside:
    gains, n = {}, 0
    for measure in measures(study.results):
        values = measure.of(study.numbers, [name, base])
        n = max(n, len(values))
        better = (values[name] - values[base]) * (1 if measure.higher else -1)
        if len(better):
            found = study.design.these(better)
            mean = 0.0 if found.rounds_to_0(found.mean) else found.mean
            gains[measure.title] = Gain(mean, *study.design.shown(better).interval())
    costs = {key: study.mean(key)[name] / study.mean(key)[base] for key in COSTS}
    title, keeps = method_title(method(study.results, name)), _keeps(study.results.params["students"][name]["method"])
    return Beside(name, title, base, n, False, gains, costs, keeps)


def _keeps(chosen: Mapping[str, Any]) -> str:
    from softcifar.methods import METHODS  # it brings torch, which the report needs for nothing else

    return getattr(METHODS[chosen["name"]](**chosen["options"]), "keeps", "")


def _ensemble(study: Study, base: str) -> Beside:
    of = study.numbers[study.numbers["student"] == base]
    together, gains = of[of["kind"] == "ensemble"], {}

    def mean(kind: str, measure: Measure, score: str) -> float:
        chosen = of[
            (of["kind"] == kind) & (of["metric"] == measure.metric) & (of["set"] == measure.set) & (of["score"] == score)
        ]
        return measure.scale * float(chosen["value"].mean())

    for measure in measures(study.results):
        score = measure.score if isinstance(measure.score, str) else HEADLINE_SCORE
        gain = (mean("ensemble", measure, score) - mean("run", measure, score)) * (1 if measure.higher else -1)
        if math.isfinite(gain):
            gains[measure.title] = Gain(gain)
    costs = {key: float(together[together["metric"] == key]["value"].mean()) / study.mean(key)[base] for key in COSTS}
    members = round(costs["parameters"])
    return Beside(f"ensemble of {base}", f"deep ensemble of {members}", base, together["seed"].nunique(), True, gains, costs)


def costs_in_words(row: Beside) -> str:
    """As in: 10 passes, weights × 1 (10 further networks stored), training × 1.3."""
    passes = round(row.costs["passes"])
    weights, trained = (plain(row.costs[key], 1).removesuffix(".0") for key in ("parameters", "seen"))
    stored = f" ({row.keeps} stored)" if row.keeps else ""
    return f"{passes} {'pass' if passes == 1 else 'passes'}, weights × {weights}{stored}, training × {trained}"


def table(study: Study) -> Table:
    """Rows (student, or ensemble)."""
    shown = measures(study.results)
    records = []
    for row in gather(study):
        record = {"student": row.name, "method": row.title, "plain": row.plain, "n": row.n}
        for measure in shown:
            if gain := row.gains.get(measure.title):
                record |= {_key(measure): gain.mean, f"{_key(measure)}_low": gain.low, f"{_key(measure)}_high": gain.high}
        records.append(record | row.costs | {"keeps": row.keeps})
    fields = [
        Field("student", "Student"),
        Field("method", "Method"),
        Field("plain", "Beside"),
        Field("n", "n", "pairs of runs, or ensembles"),
    ]
    fields += [
        Field(_key(each), f"{each.title}\u00a0+", "gain and 95 % interval", text=functools.partial(_text, key=_key(each)))
        for each in shown
    ]
    fields += [
        Field("passes", "Passes", "forward passes of one prediction", digits=0),
        Field("parameters", "Weights\u00a0×", "weights and biases that are trained", digits=2),
        Field("keeps", "Stored beside", "in a network, beside those", text=lambda record: record["keeps"] or "–"),
        Field("seen", "Training\u00a0×", "images seen in training", digits=2),
    ]
    return build("methods", "What methods gain over the plain network, and what they cost", NOTE, fields, records, folded=True)


def _key(measure: Measure) -> str:
    return measure.metric if measure.set == "test" else f"{measure.metric}_{measure.set}"


def _text(record: Mapping[str, Any], key: str) -> str:
    if key not in record:
        return "–"
    low, high = record[f"{key}_low"], record[f"{key}_high"]
    return effect(record[key]) + (f" ({between(low, high, effect)})" if not np.isnan(low) else "")


def differences(study: Study) -> list[str]:
    """A sentence for all students that differ in the same options from the plain student beside them, the method aside."""
    students, alike = study.results.params["students"], {}
    for row in gather(study):
        if row.ensemble:
            continue
        ours, theirs = (
            {key: value for key, value in flatten(students[name]).items() if key.split(".")[0] != "method"}
            for name in (row.name, row.plain)
        )
        found = [
            f"{key} ({_or_none(ours.get(key))}; there {_or_none(theirs.get(key))})"
            for key in [*ours, *(key for key in theirs if key not in ours)]
            if ours.get(key) != theirs.get(key)
        ]
        if found:
            alike.setdefault(listed(found, len(found)), []).append(row)
    sentences = []
    for what, rows in alike.items():
        names, bases = [f"{row.name} ({row.title})" for row in rows], dict.fromkeys(row.plain for row in rows)
        differ = "differs" if len(names) == 1 else "differ"
        sentences.append(f"{listed(names)} {differ} from {listed(list(bases))} in {what}.")
    return sentences


def _or_none(value: Any) -> str:
    return "none" if value is None else words(value)


def judged_gains(study: Study, measure: Measure) -> list[Finding]:
    """A row per student with a method: is it better than the plain student beside it? Corrected together."""
    checks = []
    for row in gather(study):
        if not row.ensemble:
            values = measure.of(study.numbers, [row.name, row.plain])
            against, names = {row.plain: values[row.name] - values[row.plain]}, (row.name, row.plain)
            checks.append(Check("", "", row.name, measure.title, measure.higher, against, students=names))
    return judge(checks, study.design)


def answers(study: Study) -> list[str]:
    """A sentence per measure: how many methods gain, which one most, and at what cost."""
    rows, listed = gather(study), measures(study.results)
    known = {measure.title: [row for row in rows if measure.title in row.gains] for measure in listed}
    return [_answer(title, of) for title, of in known.items() if of]


def _answer(measure: str, rows: list[Beside]) -> str:
    methods = [row for row in rows if not row.ensemble]
    gaining = sum(row.gains[measure].mean > 0 for row in methods)
    best, gain = _best(measure, methods)
    interval = f" (95 % interval {between(gain.low, gain.high, effect)})" if not np.isnan(gain.low) else ""
    text = (
        f"{measure[0].upper()}{measure[1:]}: {gaining} of {counted(len(methods), 'students')} with a method gain over the "
        f"plain network beside them, mean over runs; best {best.name} ({best.title}), {effect(gain.mean)}{interval}, at "
        f"{costs_in_words(best)}"
    )
    if together := [row for row in rows if row.ensemble]:
        best, gain = _best(measure, together)
        text += f"; the {best.title} {best.plain} networks {effect(gain.mean)}, at {costs_in_words(best)}"
    return f"{text}."


def _best(measure: str, rows: list[Beside]) -> tuple[Beside, Gain]:
    best = max(rows, key=lambda row: row.gains[measure].mean)
    return best, best.gains[measure]
