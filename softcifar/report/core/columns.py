"""Columns: which number of the long table, which direction is better, how it is printed, what it means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

HEADLINE_SCORE = "predictive_entropy"  # the one score that every student has and that needs no tuning
WHOSE = {"human": "people's votes", "exact": "the exact distribution", "people": "single people's soft labels"}


def plain(value: float, digits: int = 3) -> str:
    """A number for tables and panels, no zero before the point and a true minus sign: -0.0213 -> "−.021"."""
    text = f"{abs(value):.{digits}f}"
    sign = "−" if value < 0 and float(text) != 0 else ""
    return sign + (text[1:] if text.startswith("0.") and digits > 1 else text)


def effect(value: float) -> str:
    """A difference with its sign: three decimals below 1, two above, more where it would look like 0; else an en dash."""
    if pd.isna(value):
        return "–"
    digits = 3 if abs(value) < 1 else 2
    while value and digits < 6 and abs(value) < 10 ** (1 - digits):  # so that two digits are left
        digits += 1
    text = plain(value, digits)
    return f"+{text}" if value > 0 else text


def p_text(p: float) -> str:
    """A p value with three digits; "< .001" below."""
    if pd.isna(p):
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def between(low: float, high: float, text: Callable[[float], str]) -> str:
    """An interval in words; an en dash where there is none."""
    return f"{text(low)} to {text(high)}" if pd.notna(low) else "–"


def within(low: Any, high: Any, least: float = 0.0, most: float = 1.0) -> tuple[Any, Any]:
    """The ends of an interval, numbers or arrays, cut at what the quantity cannot leave: for showing it alone.

    Student's t knows of no bound, so that the interval of an accuracy over few runs may end beyond 100 %."""
    return np.clip(low, least, most), np.clip(high, least, most)


@dataclass(frozen=True)
class Field:
    """A column of any table. A cell shows a record's value under `key`, a number times `scale` with so many digits.

    text: Record -> str, where the cell is not simply the value; spread: a mean, whose record holds {key}_se and maybe
    {key}_mark beside it.
    """

    key: str
    title: str
    meaning: str = ""
    digits: int = 3
    scale: float = 1
    text: Callable[[Mapping[str, Any]], str] | None = None
    spread: bool = False


@dataclass(frozen=True)
class Column:
    """One number per run. set and score are None where the table's rows name them; scale 100 prints per cent."""

    key: str
    title: str
    meaning: str
    metric: str
    set: str | None = "test"
    score: str | None = ""
    higher: bool | None = False  # None: no direction is better
    scale: float = 1
    digits: int = 3
    spread: bool = True  # whether runs differ, so that its mean has an error

    def select(self, numbers: pd.DataFrame) -> pd.DataFrame:
        """The rows of the long table that this column shows."""
        chosen = numbers[numbers["metric"] == self.metric]  # few rows, so that only this comparison reads the whole table
        if self.set is not None:
            chosen = chosen[chosen["set"] == self.set]
        if self.score is not None:
            chosen = chosen[chosen["score"] == self.score]
        return chosen

    def text(self, value: float) -> str:
        """The value as printed; an en dash for a missing one."""
        return plain(value * self.scale, self.digits) if pd.notna(value) else "–"

    @property
    def name(self) -> str:
        """The title without its unit."""
        return self.title.removesuffix(" %")

    @property
    def arrow(self) -> str:
        return {True: "↑", False: "↓", None: ""}[self.higher]

    @property
    def field(self) -> Field:
        """The column of a table of means."""
        title = f"{self.title}\u00a0{self.arrow}".strip()
        return Field(self.key, title, self.meaning, self.digits, self.scale, spread=self.spread)


def proportion(key: str, title: str, meaning: str, metric: str, set: str | None = "test", score: str = "") -> Column:
    """A column of proportions, printed as per cent, where more is better."""
    return Column(key, title, meaning, metric, set, score, higher=True, scale=100, digits=1)


ACCURACY = proportion("accuracy", "Accuracy %", "share of test images whose label has the highest probability", "accuracy")
