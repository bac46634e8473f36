"""Judged rows as they are printed: intervals of two questions, and what the verdicts are about."""

import pandas as pd

from softcifar.report.core import formats, judged
from softcifar.report.core.design import Design
from softcifar.report.core.tables import build
from softcifar.report.core.verdicts import Check, judge

ONCE, TWICE = Design("runs", 5, repeated=False), Design("runs", 3)


def table(values: list[float], design: Design):
    check = Check("A1", "It helps.", "a against b", "accuracy", True, {"b": pd.Series(values)})
    records = [judged.record(finding) for finding in judge([check], design)]
    return build("claims", "Claims", judged.scope(design), judged.fields(design), records)


def test_one_run_per_split_has_one_interval_and_the_note_says_why():
    shown = table([0.5, -0.2, 0.9, 0.4, 0.1], ONCE)
    assert shown.rows[0][1].text == "−.176 to +.856"
    assert "With one run per split" in shown.note
    assert "Two questions" not in shown.note
    assert shown.note.endswith("of other novel images it tells nothing.")


def test_two_different_intervals_stand_below_each_other_on_the_page_and_beside_each_other_in_files():
    shown = table([0.5, 3.0, 1.5, 0.51, 3.01, 1.51], TWICE)
    these, others = shown.rows[0][1].text.split("\n")
    assert these.endswith(";")
    assert others.startswith("other images: −")
    assert f"| {these} {others} |" in formats.markdown(shown)
    assert len(formats.latex(shown).splitlines()) == len(formats.latex(table([0.1, 0.2, 0.4], Design())).splitlines())
    assert "Two questions have two intervals" in shown.note
    assert shown.note.endswith("of other novel images it tells nothing.")


def test_one_pair_is_counted_in_the_singular():
    (found,) = table([0.5], Design()).rows
    assert (found[2].text, found[6].text) == ("1 run", "1 paired run; a test takes 3")
    assert table([0.5, 0.4], Design()).rows[0][2].text == "2 runs"
