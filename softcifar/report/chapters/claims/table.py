"""The claims table: published claims, what was compared to check them, and the verdicts that follow."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from softcifar.report.core.columns import Field, between, effect
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import Finding

NOTE = (
    "Effect: the first less the second, mean over pairs of runs with the same number (or over data sets); the arrow tells "
    "which direction is better. Interval: Student's t, 95 %. Supported: the interval lies on the claimed side of 0 (of the "
    "margin, where a row names one); contradicted: on the other side; undecided: neither, or fewer than three pairs. "
    "Each row stands alone, with no correction for the number of rows: where nothing had any effect, about one row in twenty "
    "would still be called supported or contradicted, by chance."
)


def claims_table(study: Study, checks: Iterable[Callable[[Study], list[Finding]]]) -> Table:
    """A row per finding of the checks, in their order."""

    def metric(record: dict[str, Any]) -> str:
        arrow = {True: "\u00a0↑", False: "\u00a0↓", None: ""}[record["higher"]]
        return f"{record['metric']}{arrow}"

    fields = [
        Field("claim", "Claim", "number in the published study's list"),
        Field("statement", "Statement"),
        Field("compared", "Compared"),
        Field("metric", "Metric", text=metric),
        Field("effect", "Effect", "the first less the second, mean over pairs", text=lambda record: effect(record["effect"])),
        Field("low", "95 % interval", "Student's t over the pairs",
              text=lambda record: between(record["low"], record["high"], effect)),
        Field("n", "n", "pairs", text=lambda record: f"{record['n']} {record['unit']}"),
        Field("verdict", "Verdict", "follows from the interval"),
        Field("reason", "Why"),
    ]  # fmt: skip
    records = [asdict(finding) for check in checks for finding in check(study)]
    return build("claims", "Claims", NOTE, fields, records)
