"""The page is one loop over chapters: a chapter is a folder, and one without anything to show is left out."""

from dataclasses import replace
from pathlib import Path

import pytest

from softcifar.report import chapters
from softcifar.report.chapters import STUDENTS, kind_of
from softcifar.report.chapters.simulations import CHAPTERS as SIMULATIONS
from softcifar.report.core import page
from softcifar.report.core.columns import Field
from softcifar.report.core.tables import build
from tests.report.fixture import read, study_of
from tests.report.page import Page

FOLDER = Path(chapters.__file__).parent


@pytest.mark.parametrize("listed", [STUDENTS, SIMULATIONS])
def test_every_chapter_has_its_folder_and_text(listed):
    assert len({chapter.name for chapter in listed}) == len(listed)
    for chapter in listed:
        assert (FOLDER / chapter.template).is_file(), chapter.name


def test_every_folder_is_a_chapter():
    folders = {path.parent.name for path in FOLDER.glob("*/text.html")}
    assert folders == {chapter.name for chapter in STUDENTS}


def test_the_contents_name_the_chapters_that_are_shown(study):
    tags = Page((study[0] / "reports" / "index.html").read_text()).tags
    # No published study is like this one, no image of it was made to be ambiguous, nothing is bought, and all votes are used.
    left_out = {"published", "ambiguity", "acquisition", "votes"}
    shown = [chapter.name for chapter in STUDENTS if chapter.name not in left_out]
    assert [attrs["href"][1:] for tag, attrs in tags if tag == "a"][: len(shown)] == shown


@pytest.mark.parametrize("records", [[], [{"student": "hard"}]])
def test_a_chapter_is_shown_where_it_has_a_table(study, records):
    made = study_of(read(*study)).with_tables({"summary": build("summary", "", "note", [], [])})
    table = build("mine", "My table", "What it says.", [Field("student", "Student")], records)
    labels = next(chapter for chapter in STUDENTS if chapter.name == "labels")
    chapter = replace(labels, title="My chapter", rows=(), figures=())
    html = page.render(made, [chapter], {"labels": [table] if table.rows else []}, {"labels": []})
    assert ("My chapter" in html) == bool(records)
    assert ("What it says." in html) == bool(records)


def test_params_tell_the_kind_of_study(study):
    assert kind_of(study[1]).chapters == STUDENTS
    assert kind_of({"simulations": {"one": {}}}).chapters == SIMULATIONS
