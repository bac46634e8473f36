"""The claims about label smoothing and selective classification of Xia et al. 2025: F1 and F2, and other soft labels beside."""

from collections.abc import Callable, Sequence

import pandas as pd

from softcifar.report.chapters.decisions.selective import USUAL
from softcifar.report.chapters.published.literature import XIA
from softcifar.report.core.kinds import NORMALISED, SAMPLED, SOURCE_TITLES, described, distinct, source
from softcifar.report.core.pairs import CROSS_ENTROPY, pairs, shared_runs, stated
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

SMOOTHING, HARD, MAJORITY = "uniform", "hard", "majority"
CORRECTING = ("human", "human_thresholded")  # labels that are also another class's where people say so
OTHERS = ", other soft labels"  # ends the number of what the paper says nothing about
MARGIN = 0.1  # of the AURC of hard labels: so much more repairs it

F = stated(
    XIA,
    {
        "F1": "Label smoothing harms selective classification.",
        "F2": "Normalising the logits repairs what label smoothing harms.",
    },
) | {
    f"F1{OTHERS}": "Soft labels other than smoothed ones harm selective classification (not claimed by the paper of F1).",
    f"F2{OTHERS}": "Normalising the logits repairs what other soft labels than smoothed ones harm (not claimed by the paper of "
    "F2).",
}
Twins = Sequence[tuple[str, str]]
Values = Callable[[str, str], dict[str, pd.Series]]  # of a pair: {rival, "" for the twin: differences by run}


def checks(study: Study) -> list[Check]:
    """A row per claim, measure and source of soft labels whose students have a twin of hard labels; [] where none has."""

    def of(metric: str, student: str, score: str = USUAL) -> pd.Series:
        return shared_runs(study.numbers, [student], metric, score=score)[student]

    def harms(metric: str) -> Values:
        return lambda soft, hard: {"": of(metric, hard) - of(metric, soft)}

    def improves(soft: str, hard: str) -> dict[str, pd.Series]:
        return {"": of("aurc", soft, NORMALISED) - of("aurc", soft)}

    def repairs(soft: str, hard: str) -> dict[str, pd.Series]:
        """Near to hard labels is no repair where nothing was harmed: it has to be better than before as well."""
        near = of("aurc", soft, NORMALISED) - (1 + MARGIN) * of("aurc", hard)
        return {"the same by max probability": improves(soft, hard)[""], f"{1 + MARGIN:g} times that of hard labels": near}

    by, normalised = "by max probability", "by normalised logits"
    asked = [
        ("F1", "AURC", False, f"{{hard}} against {{soft}}, {by}", harms("aurc")),
        ("F1", "AUROC of errors", True, f"{{hard}} against {{soft}}, {by}", harms("error_auroc")),
        ("F2", "AURC", False, f"{{soft}} {normalised} against the same {by}", improves),
        ("F2", "AURC", False, f"{{soft}} {normalised} against both the same and {1 + MARGIN:g} times {{hard}}, {by}", repairs),
    ]
    compared = _compared(study.results)
    rows = [_row(study, *each, labels, twins) for each in asked for labels, twins in compared.items()]
    return sorted(rows, key=lambda row: row.claim)


def _compared(results: Results) -> dict[str, list[tuple[str, str]]]:
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


def _row(study: Study, claim: str, metric: str, higher: bool, words: str, values: Values, labels: str, twins: Twins) -> Check:
    """One row for all pairs of a source: of several pairs, the mean over them by run, over the runs that all have."""
    each = [values(*pair) for pair in twins]
    if len(twins) == 1:
        soft, hard = (described(study.results, name) for name in twins[0])
        twin = twins[0][1]
    else:
        soft, hard = (SOURCE_TITLES.get(source(study.results, name), name) for name in twins[0])
        twin = f"{len(twins)} pairs of students together"
        words = f"{words}, {twin}"
    against = {rival or twin: pd.concat([part[rival] for part in each], axis=1).mean(axis=1, skipna=False) for rival in each[0]}
    students = tuple(dict.fromkeys(name for pair in twins for name in pair))
    claim += "" if labels == SMOOTHING else OTHERS
    return Check(claim, F[claim], words.format(soft=soft, hard=hard), metric, higher, against, students=students)
