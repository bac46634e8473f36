"""The claims table: published claims, what was compared to check them, and the verdicts that follow."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import pandas as pd

from softcifar.report.core.columns import Field, between, effect
from softcifar.report.core.design import Design
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import Check, NowhereBest, judge

MOST = 10_000  # pairs: beyond, nobody counts

NOTE = (
    "Effect: the first less the second, mean over pairs of {unit} with the same number; the arrow tells which direction is "
    "better. Interval: Student's t, 95 %, of the single row. A verdict takes a one-sided p below .0075 after Holm's correction "
    "over the rows of its claim, so a row whose interval leaves out 0 may still be undecided. Where the claim allows a margin, "
    "the margin stands in the place of 0. Detectable: so far from there the true effect has to lie for this n, this spread and "
    "this many rows to find it with a probability of 80 %. Needed: how many pairs in all would find the effect that "
    "was seen, as often, on these images."
)
SPLITS = " The runs share {splits} splits of the images."
QUESTIONS = {
    "one": " All runs share one split: verdicts are about further runs on these images and say nothing of other images.",
    "few": SPLITS + " Verdicts are about further runs on these images; three splits or more, each with test images of its own, "
    "would tell something of others.",
    "many": SPLITS + " Two questions have two intervals: further runs on these images, and further images like these, from the "
    "spread between splits. Supported and contradicted without more words is about the second.",
    "drawn": " Every data set is drawn anew, so verdicts are about further data sets like these.",
}


def claims_table(study: Study, givers: Iterable[Callable[[Study], list[Check | NowhereBest]]]) -> Table:
    """A row per check of the givers, in their order."""
    design = study.design
    question = _question(design)

    def metric(record: dict[str, Any]) -> str:
        arrow = {True: "\u00a0↑", False: "\u00a0↓", None: ""}[record["higher"]]
        return f"{record['metric']}{arrow}"

    fields = [
        Field("claim", "Claim", "number in the published study's list"),
        Field("statement", "Statement"),
        Field("compared", "Compared"),
        Field("metric", "Metric", text=metric),
        Field("effect", "Effect", "the first less the second, mean over pairs", text=lambda record: effect(record["effect"])),
        Field("low", "95 % interval", "Student's t over the pairs", text=lambda record: _intervals(record, question)),
        Field("n", "n", "pairs", text=lambda record: f"{record['n']} {record['unit']}"),
        Field("detectable", "Detectable", "the distance from 0, or from the margin, that is found with a probability of 80 %",
              text=lambda record: effect(record["detectable"]).removeprefix("+")),
        Field("needed", "Needed", "how many in all would find the effect that was seen with a probability of 80 %",
              text=lambda record: _count(record["needed"], record["unit"])),
        Field("verdict", "Verdict", "follows from p"),
        Field("reason", "Why"),
    ]  # fmt: skip
    findings = judge([check for give in givers for check in give(study)], design)
    records = [asdict(finding) | {"students": " ".join(finding.students)} for finding in findings]
    note = NOTE.format(unit=design.unit) + QUESTIONS[question].format(splits=design.splits)
    return build("claims", "Claims", note, fields, records)


def _question(design: Design) -> str:
    if design.splits is None:
        return "drawn"
    return "one" if design.splits == 1 else "many" if design.tells_beyond else "few"


def _intervals(record: dict[str, Any], question: str) -> str:
    these = between(record["low"], record["high"], effect)
    if question != "many" or pd.isna(record["low"]):
        return these
    return f"{these}; other images: {between(record['images_low'], record['images_high'], effect)}"


def _count(pairs: float, unit: str) -> str:
    if math.isnan(pairs):
        return "–"
    return f"{pairs:,.0f} {unit}" if pairs <= MOST else f"over {MOST:,}"
