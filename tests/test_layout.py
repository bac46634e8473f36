"""The tests' own house: folders mirror the package, and what files of tests share is never in one of them."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = {str(path.relative_to(TESTS)): path for path in sorted(TESTS.rglob("*.py"))}
OF_TESTS = {path.stem for path in FILES.values() if path.stem.startswith("test_")}


def imported(code: str) -> set[str]:
    """Every part of every dotted name that is imported, also within functions."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {part for name in node.names for part in name.name.split(".")}
        if isinstance(node, ast.ImportFrom):
            found |= set((node.module or "").split("."))
    return found


@pytest.mark.parametrize("file", FILES)
def test_no_file_of_tests_is_imported(file):
    assert not imported(FILES[file].read_text()) & OF_TESTS


def test_all_ways_to_import_are_seen():
    ways = ("import a.test_b", "from a.test_b import c", "from a import test_b", "from . import test_b", "import test_b as c")
    for way in ways:
        assert "test_b" in imported(way)
        assert "test_b" in imported(f"def f():\n    {way}\n")


def test_folders_mirror_the_project():
    folders = {path.parent.relative_to(TESTS) for path in FILES.values() if path.stem in OF_TESTS}
    places = (TESTS.parent / "softcifar", TESTS.parent)
    assert not {folder for folder in folders if not any((place / folder).is_dir() for place in places)}
