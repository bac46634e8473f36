"""Judged rows as a table: effect, intervals, n, what is detectable and needed, the verdict and why."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from softcifar.metrics.statistics import MOST
from softcifar.report.core.columns import Field, between, effect
from softcifar.report.core.design import Design
from softcifar.report.core.verdicts import FIND, ON_THESE, SHOW_SMALL, Finding
from softcifar.report.core.words import counted

NEEDED = (
    f"how many in all would, with a probability of 80 %, find the effect that was seen (to {FIND}), or find that it is too "
    f"small to matter (to {SHOW_SMALL}), whichever are fewer; none where the row is decided or has no test; csv files have "
    f"{MOST + 1} for all that is over {MOST:,}"
)
SPLITS = "The runs share {splits} splits of the images. "
NOVEL = (
    " Novel images are the same in all splits, so a verdict on novelty is about further test images beside these novel ones; "
    "of other novel images it tells nothing."
)
SCOPES = {
    "one": "All runs share one split: verdicts are about further runs on these images and say nothing of other images.",
    "few": SPLITS + "Verdicts are about further runs on these images; three splits or more, each with test images of its own, "
    "would tell something of others.",
    "many": SPLITS + "Two questions have two intervals: further runs on these images, and further images like these, from the "
    "spread between splits. A verdict without more words is about the second." + NOVEL,
    "alike": SPLITS
    + "Verdicts are about further images like these, from the spread between splits. With one run per split that "
    "is all the spread there is, so further runs on these images have the same interval and the same verdict." + NOVEL,
    "drawn": "Every data set is drawn anew, so verdicts are about further data sets like these.",
}


def scope(design: Design) -> str:
    """What the verdicts are about, in words."""
    if design.splits is None:
        return SCOPES["drawn"]
    told = ("many" if design.repeated else "alike") if design.tells_beyond else "few"
    return SCOPES["one" if design.splits == 1 else told].format(splits=design.splits)


def record(finding: Finding) -> dict[str, Any]:
    """A finding as the fields take it and csv files store it."""
    return asdict(finding) | {"students": " ".join(finding.students)}


def comparison(finding: Finding) -> dict[str, Any]:
    """The record of a row "is better than the reference": its verdict in words of a comparison, without what claims have."""
    kept = {key: value for key, value in record(finding).items() if key not in ("claim", "statement", "compared", "students")}
    return kept | {"verdict": compared(finding.verdict)}


def fields(design: Design) -> list[Field]:
    """The columns from the effect to the reason."""

    def intervals(record: Mapping[str, Any]) -> str:
        these = between(record["low"], record["high"], effect)
        others = between(record["images_low"], record["images_high"], effect)
        if design.splits is None or not design.tells_beyond or pd.isna(record["low"]) or these == others:
            return these
        return f"{these};\nother images: {others}"

    return [
        Field("effect", "Effect", "the first less the second, mean over pairs", text=lambda record: effect(record["effect"])),
        Field("low", "95 % interval", "Student's t over the pairs", text=intervals),
        Field("n", "n", "pairs", text=lambda record: counted(record["n"], record["unit"])),
        Field("detectable", "Detectable", "the distance from 0, or from the margin, that is found with a probability of 80 %",
              text=lambda record: effect(record["detectable"]).removeprefix("+")),
        Field("needed", "Needed", NEEDED,
              text=lambda record: _count(record["needed"], record["unit"], record["needed_to"])),
        Field("verdict", "Verdict", "follows from p"),
        Field("reason", "Why"),
    ]  # fmt: skip


def compared(verdict: str) -> str:
    """The verdict on "this one is better", in words of a comparison: better, worse or undecided."""
    side = verdict.removesuffix(ON_THESE)
    return {"supported": "better", "contradicted": "worse"}.get(side, side) + ON_THESE * verdict.endswith(ON_THESE)


def on_these(finding: Finding) -> bool:
    """Is the verdict, and the interval beside it, about further runs on these images alone?"""
    return math.isnan(finding.images_low) or finding.verdict.endswith(ON_THESE)


def draws(finding: Finding, design: Design) -> str:
    """What the interval beside a verdict comes from: 5 runs; of other images: 4 splits."""
    if design.splits is None or on_these(finding):
        return f"{finding.n} {finding.unit}"
    return f"{design.splits} splits"


def interval(finding: Finding, design: Design) -> str:
    """What the verdict is about, to stand behind an effect: ", 95 % interval -.1 to +.2, 5 runs"; "" without a test.

    An interval of other images lies around the mean over splits; the effect is the mean over runs.
    """
    low, high = (finding.low, finding.high) if on_these(finding) else (finding.images_low, finding.images_high)
    return "" if math.isnan(low) else f", 95 % interval {between(low, high, effect)}, {draws(finding, design)}"


def _count(pairs: float, unit: str, purpose: str) -> str:
    if math.isnan(pairs):
        return "–"
    return f"{pairs:,.0f} {unit} to {purpose}" if pairs <= MOST else f"over {MOST:,}"
