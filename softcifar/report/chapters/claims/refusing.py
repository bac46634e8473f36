"""The claims about label smoothing and selective classification of Xia et al. 2025: F1 and F2, and other soft labels beside."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from softcifar.report.chapters.decisions.selective import USUAL
from softcifar.report.chapters.published.literature import XIA
from softcifar.report.core.kinds import NORMALISED, SOURCE_TITLES, described, source
from softcifar.report.core.pairs import SMOOTHING, shared_runs, soft_and_hard, stated
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

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
IMPROVES = {  # of the rows of F2 that say less than it: nothing need have been harmed
    "F2": "Normalising the logits improves selective classification after label smoothing (part of F2).",
    f"F2{OTHERS}": "Normalising the logits improves selective classification after soft labels other than smoothed ones (not "
    "claimed by the paper of F2).",
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
        """Near to hard labels, and better than before, is no repair where nothing was harmed: so harm has to be shown, too."""
        near = of("aurc", soft, NORMALISED) - (1 + MARGIN) * of("aurc", hard)
        return {
            "the same by max probability": improves(soft, hard)[""],
            f"{1 + MARGIN:g} times that of hard labels": near,
            "the harm, hard labels less soft ones by max probability": harms("aurc")(soft, hard)[""],
        }

    by, normalised = "by max probability", "by normalised logits"
    asked = [
        ("F1", F, "AURC", False, f"{{hard}} against {{soft}}, {by}", harms("aurc")),
        ("F1", F, "AUROC of errors", True, f"{{hard}} against {{soft}}, {by}", harms("error_auroc")),
        ("F2", IMPROVES, "AURC", False, f"{{soft}} {normalised} against the same {by}", improves),
        ("F2", F, "AURC", False, f"{{soft}}, harmed against {{hard}} {by}: {normalised} against both the same {by} and "
         f"{1 + MARGIN:g} times {{hard}}", repairs),
    ]  # fmt: skip
    compared = soft_and_hard(study.results)
    rows = [_row(study, *each, labels, twins) for each in asked for labels, twins in compared.items()]
    return sorted(rows, key=lambda row: row.claim)


def _row(
    study: Study,
    claim: str,
    says: Mapping[str, str],
    metric: str,
    higher: bool,
    words: str,
    values: Values,
    labels: str,
    twins: Twins,
) -> Check:
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
    return Check(claim, says[claim], words.format(soft=soft, hard=hard), metric, higher, against, students=students)
