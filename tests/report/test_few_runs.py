"""Two students, two runs of one epoch: what a first look shows."""

import html
import json
import re

import matplotlib as mpl
import pandas as pd
import pytest

from softcifar.report.chapters import training
from softcifar.report.core.drawing import RC
from tests.report.fixture import STUDENTS, make_study, placed, write


def made(root, runs: int, epochs: int) -> dict:
    params = make_study(root, students={name: STUDENTS[name] for name in ("hard", "smooth")}, runs=runs)
    for path in root.rglob("history.csv"):
        history = pd.read_csv(path)
        history[history["epoch"] <= epochs].to_csv(path, index=False)
    for path in root.rglob("about.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"best_epochs": [1] * runs}))
    for student in params["students"].values():
        student["epochs"] = epochs
    return params


@pytest.fixture(scope="module")
def first_look(tmp_path_factory):
    """(folder, params) of a study of two runs of one epoch, with its report."""
    root = tmp_path_factory.mktemp("first")
    params = made(root, runs=2, epochs=1)
    write(root, params)
    return root, params


def words(root) -> str:
    page = re.sub(r"<(style|script)>.*?</\1>|data:[^\"]*", "", (root / "reports/index.html").read_text(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def test_the_page_says_first_that_it_measures_nothing(first_look):
    text = words(first_look[0])
    said = (
        "Findings This page measures nothing: it shows that every step runs, and what a report looks like. Every student has 2 "
        "runs of 1 epoch on 200 images, and a test or an interval takes 3 runs or more."
    )
    assert said in text


def test_below_three_runs_nothing_is_judged(first_look):
    """No interval, no p, no verdict, no bold and no tilde, in whatever table."""
    root, judged = first_look[0], 0
    for path in (root / "reports/tables").glob("*.csv"):
        table = pd.read_csv(path)
        assert not [column for column in table if column.endswith("_mark") and table[column].notna().any()], path.name
        for column in {"low", "high", "images_low", "images_high", "detectable", "needed"} & set(table):
            assert table[column].isna().all(), (path.name, column)
            judged += 1
        if "verdict" in table:
            assert set(table["verdict"]) == {"undecided"}, path.name
            assert table["reason"].str.contains("a test takes 3").all(), path.name
    assert judged > 5
    text = words(root)
    assert " ~" not in text
    assert not re.search(r"95 % interval [+−.\d]|\bp [<.\d]|Bold:|Tilde:|p below", text.partition("Claims of published")[0])
    assert "Nothing is marked: a test takes 3 runs." in text


def test_three_runs_of_several_epochs_have_no_such_line(study):
    text = words(study[0])
    assert "measures nothing" not in text
    assert "decides nothing" not in text


def test_a_curve_of_one_epoch_is_a_dot(first_look):
    with mpl.rc_context(RC):
        drawn = training.learning_curves.draw(placed(*first_look))
    for ax in drawn.figure.axes:
        assert [line.get_marker() for line in ax.lines] == ["o"] * len(ax.lines)
        assert list(ax.get_xticks()) == [1]
        inside = [line for line in ax.lines if ax.get_ylim()[0] <= line.get_ydata()[0] <= ax.get_ylim()[1]]
        assert inside == list(ax.lines)


def test_a_curve_of_several_epochs_has_none(study):
    with mpl.rc_context(RC):
        drawn = training.learning_curves.draw(placed(*study))
    assert {line.get_marker() for ax in drawn.figure.axes for line in ax.lines} == {"None"}


def test_no_legend_is_cut_off_with_two_panels(first_look):
    """Every figure of every chapter: all of its legend lies inside, and above all panels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from softcifar.report.chapters import STUDENTS as CHAPTERS
    from softcifar.report.core.tables import Table

    study, lines = placed(*first_look), 0
    tables: dict[str, Table] = {table.name: table for chapter in CHAPTERS for table in (make(study) for make in chapter.tables)}
    study = study.with_tables(tables)
    with mpl.rc_context(RC):
        for chapter in CHAPTERS:
            for drawing in filter(None, (draw(study) for draw in chapter.figures)):
                renderer = FigureCanvasAgg(drawing.figure).get_renderer()
                for legend in drawing.figure.legends:
                    box = legend.get_window_extent(renderer)
                    assert box.x0 >= 0, drawing.name
                    assert box.x1 <= drawing.figure.bbox.x1, drawing.name
                    tops = [ax.title.get_window_extent(renderer).y1 for ax in drawing.figure.axes]
                    assert max(tops) <= box.y0, drawing.name
                    lines += 1
    assert lines > 8
