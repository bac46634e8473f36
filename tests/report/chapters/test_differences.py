"""The figure of the findings: who stands where, what its marks, names and words say, and what students cost."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from softcifar.report.chapters.findings import figure
from softcifar.report.chapters.findings.sentences import side
from softcifar.report.chapters.summary.cost import passes
from softcifar.report.core.origins import effort, like_the_reference, origin, seen, teachers, title, votes
from tests.report.fixture import placed, read


def test_cells_decide_as_the_table_says(study):
    root, params = study
    content = figure.gather(placed(root, params))
    table = pd.read_csv(root / "reports/tables/comparisons.csv").set_index(["column", "student"])
    for (key, name), row in content.cells.items():
        assert side(row) == table.loc[(key, name), "verdict"].removesuffix(" on these images")
        assert row.effect == pytest.approx(table.loc[(key, name), "effect"], nan_ok=True)
    assert len(content.cells) == 44  # 7 numbers of 6 students, one of 2
    relaxed = content.runs["accuracy", "human"]
    assert np.mean(relaxed) == pytest.approx(content.cells["accuracy", "human"].effect)
    assert (root / "reports/figures/differences_narrow.svg").exists()


def test_better_is_to_the_right_and_the_far_is_cut_off():
    at, inside = figure._scale([1.0, 2.0, -1.0, 50.0], 0.0, 1.0)
    assert at(-1) < at(0) < at(1) < at(2)
    assert [inside(value) for value in (1, 2, -1, 50)] == [True, True, True, False]
    assert at(50) == 1
    alike, _ = figure._scale([0.0, 0.0], 0.0, 1.0)
    assert alike(0) == 0.5


def test_what_lies_beyond_a_panel_keeps_its_mark_and_its_ticks_at_the_edge(study):
    content = figure.gather(placed(*study))
    key = content.benefits[0].column.key
    far = replace(content.cells[key, "human"], effect=500.0, low=499.0, high=501.0, verdict="supported on these images")
    content.cells[key, "human"], content.runs[key, "human"] = far, [499.0, 500.0, 501.0]
    content = replace(content, benefits=content.benefits[:1])
    lines = figure.figure(content, figure.WIDE).axes[0].lines
    edge = max(line.get_xdata()[0] for line in lines if line.get_marker() == "|")
    ticks = next(line for line in lines if line.get_marker() == "|" and line.get_xdata()[0] == edge)
    assert list(ticks.get_xdata()) == [edge] * 3
    marks = [line for line in lines if line.get_marker() == figure.MARKS["better"]]
    assert edge - figure.EDGE in [line.get_xdata()[0] for line in marks]


def test_decided_differences_are_counted_apart_for_students_that_differ_in_more_than_softness(study):
    root, params = study
    results = read(root, params)
    assert [name for name in params["students"] if not like_the_reference(results, name)] == ["sampling"]  # MC dropout
    changed = copy.deepcopy(params)
    changed["students"]["smooth"]["augment"] = []
    changed["students"]["human"]["augment"] = [*params["students"]["hard"]["augment"], {"name": "mixup", "options": {}}]
    results = read(root, changed)
    assert [like_the_reference(results, name) for name in ("smooth", "human")] == [False, True]
    content = figure.gather(placed(root, params))
    cells = {}
    for name, verdict in (("a", "supported"), ("b", "undecided"), ("c", "contradicted"), ("d", "contradicted on these images")):
        cells["accuracy", name] = replace(content.cells["accuracy", "human"], verdict=verdict)
    content = replace(content, cells=cells)
    whole = "Decided: 3 of 4 differences, 1 for the better, 2 for the worse."
    assert figure.finding(content, set("abcd")) == figure.finding(content, set()) == whole
    assert figure.finding(content, {"a", "b"}) == (
        f"{whole} Of students with the method, network and augmentation of hard, mixing of images aside: 1 of 2 differences, 1 "
        "for the better, 0 for the worse; of the others, which differ in more than softness: 2 of 2 differences, 0 for the "
        "better, 2 for the worse."
    )


@pytest.mark.parametrize("layout", [figure.WIDE, figure.NARROW])
def test_long_names_are_wrapped_and_never_cut(layout):
    names = ["majority_dropout_bare", "majority_dropout_bare_mixup", "majority_dropout_bare_cutmix", "x" * 60]
    for name in ["hard", *names]:
        lines, size = figure._lines(name, layout.names)
        assert "".join(lines) == name
        assert len(lines) == (1 if name == "hard" else 2)
        bold = FontProperties(family="DejaVu Sans", weight="bold", size=size)
        assert max(TextPath((0, 0), line, prop=bold).get_extents().width for line in lines) / 72 < layout.names


def test_the_legend_says_what_the_figure_is_about(study):
    content = figure.gather(placed(*study))

    def words(content):
        return " ".join(text.get_text() for text in figure.figure(content, figure.NARROW).axes[0].texts)

    assert "further runs on these test images" in words(content)
    assert "half filled" not in words(content)
    assert "half filled: decided for further runs on these test images alone" in words(replace(content, beyond=True))


def test_what_it_costs_and_where_it_comes_from(study):
    root, params = study
    results = read(root, params)
    assert [origin(results, name) for name in ("human", "instance", "smooth", "relaxed", "sampling")] == [
        "People", "A teacher", "A rule", "The loss", "The network",
    ]  # fmt: skip
    assert [title(results, name) for name in ("human", "instance", "smooth", "relaxed", "sampling")] == [
        "people's votes", "ILS", "label smoothing", "label relaxation", "MC dropout",
    ]  # fmt: skip
    assert (votes(results, "human"), votes(results, "smooth")) == (51, 0)
    assert (teachers(results, "instance"), teachers(results, "human")) == (5, 0)
    assert seen(results, "hard") == 3 * 12 * 200  # runs, epochs, images
    assert seen(results, "relaxed") == (3 + 2 + 2) * 12 * 200  # two of the three values got the search runs alone
    assert effort(results, "hard") == seen(results, "hard")
    assert effort(results, "instance") == seen(results, "instance") + 5 * 12 * 200  # networks of its teacher
    assert passes({"name": "softmax", "options": {}}) == 1
    assert passes({"name": "mc_dropout", "options": {"samples": 4}}) == 4
    mixed = copy.deepcopy(params)
    mixed["students"]["smooth"]["augment"] = [{"name": "mixup", "options": {"alpha": 1.0, "q": "match_human"}}]
    mixed["students"]["smooth"]["labels"] = "hard"
    results = read(root, mixed)
    assert (origin(results, "smooth"), title(results, "smooth")) == ("Mixed or cropped images", "mixup")
    assert votes(results, "smooth") == 51
    bare = copy.deepcopy(params)
    bare["students"]["sampling"]["augment"] = bare["students"]["human"]["augment"] = []
    bare["students"]["relaxed"] |= {"loss": params["students"]["hard"]["loss"], "augment": [
        {"name": "crop_flip", "options": {"padding": 2}}]}  # fmt: skip
    bare["students"]["smooth"]["augment"] = [
        *params["students"]["hard"]["augment"],
        {"name": "mixup", "options": {"alpha": 1.0}},
    ]
    results = read(root, bare)
    assert [origin(results, name) for name in ("sampling", "human", "relaxed", "smooth")] == [
        "Other augmentation", "Other augmentation", "Other augmentation", "A rule",
    ]  # fmt: skip
    changed = copy.deepcopy(params)
    changed["students"]["smooth"]["network"]["options"] = {"dropout": 0.2}
    changed["students"]["human"]["network"] = {"name": "wide_resnet", "options": {}}
    changed["students"]["instance"]["augment"] = []
    changed["students"]["relaxed"]["augment"] = [{"name": "crop_flip", "options": {"padding": 2}}]
    results = read(root, changed)
    assert [title(results, name) for name in ("smooth", "human", "instance", "relaxed")] == [
        "label smoothing, dropout 0.2", "people's votes, wide_resnet", "ILS, no crop flip",
        "label relaxation, crop flip, padding 2",
    ]  # fmt: skip


def test_the_summary_has_the_costs(tables):
    summary = tables["summary"].set_index(["student", "kind"])
    assert summary.loc[("hard", "run"), "parameters"] == 78042
    assert summary.loc[("hard", "ensemble"), "parameters"] == 3 * 78042
    assert summary.loc[("relaxed", "run"), "seen"] == pytest.approx(7 * 12 * 200 / 3)
    assert summary.loc[("sampling", "run"), "passes"] == 4
