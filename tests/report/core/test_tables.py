"""One builder makes every table: what a field says is what a cell shows."""

import math

from softcifar.report.core.columns import Field, proportion
from softcifar.report.core.design import Design
from softcifar.report.core.long_table import typed
from softcifar.report.core.tables import build, means_table


def test_a_cell_shows_the_value_scaled_its_error_and_its_mark():
    fields = [
        Field("name", "Name"),
        Field("accuracy", "Accuracy %", "share", 1, 100, spread=True),
        Field("count", "n"),
        Field("words", "Words", text=lambda record: f"<{record['words']}>"),
    ]
    records = [
        {"name": "a", "accuracy": 0.5, "accuracy_se": 0.01, "accuracy_mark": "best", "count": 3, "words": "x", "hidden": 1},
        {
            "name": "b",
            "accuracy": math.nan,
            "accuracy_se": math.nan,
            "accuracy_mark": "",
            "count": 0,
            "words": "y",
            "hidden": 2,
        },
    ]
    table = build("some", "Some", "note", fields, records, shown_only=("hidden",))
    assert table.header == [("Name", ""), ("Accuracy %", "share"), ("n", ""), ("Words", "")]
    assert [[cell.text for cell in row] for row in table.rows] == [["a", "50.0", "3", "<x>"], ["b", "–", "0", "<y>"]]
    assert (table.rows[0][1].error, table.rows[0][1].mark) == ("± 1.0", "best")
    assert (table.rows[1][1].value, table.rows[1][1].error) == (None, "")
    assert "hidden" not in table.frame
    assert table.frame["accuracy"][0] == 0.5


def test_the_best_is_marked_within_each_set_that_names_a_row():
    """Method a is best in one simulation, b in the other; what is no run ("bound") takes no part."""
    rows = [
        (name, "run", seed, "accuracy", place, "", value + 0.01 * seed * (name == "a"))
        for place, values in (("first", {"a": 0.9, "b": 0.5}), ("second", {"a": 0.5, "b": 0.9}))
        for name, value in values.items()
        for seed in range(4)
    ]
    rows += [("perfect", "bound", 0, "accuracy", "–", "", 1.0)]
    keys = {"student": "method", "set": "simulation"}
    column = proportion("accuracy", "Accuracy %", "", "accuracy", None)
    design = Design("data sets", None)
    frame = means_table(typed(rows), design, "means", "Means", [column], note="", keys=keys, counted="data sets").frame
    marks = {(row.method, row.simulation): row.accuracy_mark for row in frame.itertuples()}
    assert marks == {
        ("a", "first"): "best",
        ("b", "first"): "",
        ("a", "second"): "",
        ("b", "second"): "best",
        ("perfect", "–"): "",
    }
    assert list(frame["n"]) == [4, 4, 4, 4, 1]
