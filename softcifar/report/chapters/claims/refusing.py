"""The claims about label smoothing and selective classification of Xia et al. 2025: F1 and F2, and other soft labels beside."""

from collections.abc import Callable, Sequence

import pandas as pd

from softcifar.report.chapters.decisions.selective import USUAL
from softcifar.report.chapters.published.literature import XIA
from softcifar.report.core.kinds import NORMALISED, SOURCE_TITLES, described, distinct, source
from softcifar.report.core.pairs import CROSS_ENTROPY, pairs, shared_runs, stated
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

SMOOTHING, HARD, MAJORITY = "uniform", "hard", "majority"
OTHERS = "other soft labels"  # the family of what the paper says nothing about
MARGIN = 0.1  # of the rival's AURC: so much more repairs it

F = stated(
    XIA,
    {
        "F1": "Label smoothing harms selective classification; other soft labels, which the paper does not claim, are judged "
        "beside it and corrected apart.",
        "F2": "Normalising the logits repairs what label smoothing harms; other soft labels are judged as in F1.",
    },
)
Twins = Sequence[tuple[str, str]]
Values = Callable[[str, str], tuple[pd.Series, float | pd.Series]]  # of a pair: differences by run, and the margin


def checks(study: Study) -> list[Check]:
    """A row per claim, measure and source of soft labels whose students have a twin of hard labels; [] where none has."""

    def of(metric: str, student: str, score: str = USUAL) -> pd.Series:
        return shared_runs(study.numbers, [student], metric, score=score)[student]

    def harms(metric: str) -> Values:
        return lambda soft, hard: (of(metric, hard) - of(metric, soft), 0.0)

    def improves(soft: str, hard: str) -> tuple[pd.Series, float]:
        return of("aurc", soft, NORMALISED) - of("aurc", soft), 0.0

    def repairs(soft: str, hard: str) -> tuple[pd.Series, pd.Series]:
        return of("aurc", soft, NORMALISED) - of("aurc", hard), MARGIN * of("aurc", hard)

    by, normalised = "by max probability", "by normalised logits"
    margin = f"AURC (margin {100 * MARGIN:.0f} % of the rival's)"
    asked = [
        ("F1", "AURC", False, f"{{hard}} against {{soft}}, {by}", harms("aurc")),
        ("F1", "AUROC of errors", True, f"{{hard}} against {{soft}}, {by}", harms("error_auroc")),
        ("F2", "AURC", False, f"{{soft}} {normalised} against the same {by}", improves),
        ("F2", margin, False, f"{{soft}} {normalised} against {{hard}} {by}", repairs),
    ]
    compared = _compared(study.results)
    return [
        _row(study, claim, metric, higher, words, values, labels, twins)
        for claim, metric, higher, words, values in asked
        for labels, twins in compared.items()
    ]


def _compared(results: Results) -> dict[str, list[tuple[str, str]]]:
    """{source of soft labels: its (student, twin of hard labels)}, label smoothing first. The twin of people's votes learned
    from their majority, where there is one, since votes correct labels as well as soften them."""
    soft = [each for each in dict.fromkeys(source(results, name) for name in distinct(results)) if each not in (HARD, MAJORITY)]
    found = {}
    for labels in sorted(soft, key=lambda each: each != SMOOTHING):
        for hard in (MAJORITY, HARD) if labels.startswith("human") else (HARD,):
            if twins := pairs(results, (labels, CROSS_ENTROPY), (hard, CROSS_ENTROPY), but=("labels",)):
                found.setdefault(labels, twins)
    return found


def _row(study: Study, claim: str, metric: str, higher: bool, words: str, values: Values, labels: str, twins: Twins) -> Check:
    """One row for all pairs of a source: of several pairs, the mean over them by run, over the runs that all have."""
    each = [values(*pair) for pair in twins]
    differences = pd.concat([part for part, _ in each], axis=1).mean(axis=1, skipna=False)
    margins = [part for _, part in each]
    margin = sum(margins[1:], start=margins[0]) / len(margins)
    if len(twins) == 1:
        soft, hard = (described(study.results, name) for name in twins[0])
        rival = twins[0][1]
    else:
        soft, hard = (SOURCE_TITLES.get(source(study.results, name), name) for name in twins[0])
        rival = f"{len(twins)} pairs of students together"
        words = f"{words}, {rival}"
    students = tuple(dict.fromkeys(name for pair in twins for name in pair))
    family = "" if labels == SMOOTHING else OTHERS
    compared = words.format(soft=soft, hard=hard)
    return Check(claim, F[claim], compared, metric, higher, {rival: differences}, margin, students, family=family)
