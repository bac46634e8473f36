"""The claims table: published claims, what was compared to check them, and the verdicts that follow."""

from collections.abc import Callable, Iterable
from typing import Any

from softcifar.report.core import judged
from softcifar.report.core.columns import Field
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import PRACTICAL, Check, NowhereBest, judge

NOTE = (
    "Effect: the first less the second, mean over pairs of {unit} with the same number; the arrow tells which direction is "
    "better. Interval: Student's t, 95 %, of the single row. A verdict takes a one-sided p below .0075 after Holm's correction "
    "over the rows of its claim, so a row whose interval leaves out 0 may still be undecided. A row of all pairs together, or "
    "against all rivals at once, answers its claim as a whole and is not corrected for the single ones, nor they for it. Where "
    "the claim allows a margin, the margin stands in the place of 0. Equivalent: neither side is decided, and the mean "
    "difference of two students is shown to be smaller, either way, than what matters in practice ({accuracy:g} point of "
    "accuracy, {attacked:g} of accuracy under attack or lost to it, {nll:g} nats, {auroc:g} of AUROC, and never more than a "
    "tenth of what the rival gets wrong or right), corrected in the same way; it goes against a claim that one of them is "
    "better. Detectable: so far from there the true effect has to lie "
    "for this n, this spread and this many rows to find it with a probability of 80 %. Needed: how many pairs in all would, as "
    "often, find the effect that was seen on these images, or find that it is smaller than what matters."
)


def claims_table(study: Study, givers: Iterable[Callable[[Study], list[Check | NowhereBest]]]) -> Table:
    """A row per check of the givers, in their order."""

    def metric(record: dict[str, Any]) -> str:
        arrow = {True: "\u00a0↑", False: "\u00a0↓", None: ""}[record["higher"]]
        return f"{record['metric']}{arrow}"

    fields = [
        Field("claim", "Claim", "number in the published study's list"),
        Field("statement", "Statement"),
        Field("compared", "Compared"),
        Field("metric", "Metric", text=metric),
        *judged.fields(study.design),
    ]
    findings = judge([check for give in givers for check in give(study)], study.design)
    sizes = {"accuracy": 100 * PRACTICAL["accuracy"], "attacked": 100 * PRACTICAL["fgsm_accuracy"]}
    sizes |= {key: PRACTICAL[key] for key in ("nll", "auroc")}
    note = f"{NOTE.format(unit=study.design.unit, **sizes)} {judged.scope(study.design)}"
    return build("claims", "Claims", note, fields, [judged.record(finding) for finding in findings])
