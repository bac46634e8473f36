"""The tests' own house: folders mirror the package, and what files of tests share is never in one of them."""

import ast
from pathlib import Path

import networkx
import pytest

TESTS = Path(__file__).parent
FILES = {str(path.relative_to(TESTS)): path for path in sorted(TESTS.rglob("*.py"))}
# Comparisons with other libraries, simulated error rates, thousands of spoiled inputs, a GPU: across the packages.
ACROSS = {Path("campaign"), Path("cuda"), Path("peers"), Path("verdicts")}
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
    assert {folder for folder in folders if not any((place / folder).is_dir() for place in places)} == ACROSS


SOURCES = {str(path.relative_to(TESTS.parent)): path for path in sorted((TESTS.parent / "softcifar").rglob("*.py"))}


def test_no_files_import_each_other_in_a_circle():
    """Also by way of imports within functions, and of the packages that a module lies in."""
    names = {file.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for file, path in SOURCES.items()}
    graph = networkx.DiGraph()
    for name, path in names.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                inner = [f"{node.module}.{each.name}" for each in node.names]
                targets = [each if each in names else node.module for each in inner]
            else:
                targets = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            graph.add_edges_from((name, target) for target in targets if target in names and target != name)
    assert list(networkx.simple_cycles(graph)) == []


def test_few_modules_lie_loose_and_none_is_long():
    loose = [file for file in SOURCES if file.count("/") == 1 and not file.endswith("__init__.py")]
    assert len(loose) <= 5
    assert not {file: lines for file, path in SOURCES.items() if (lines := len(path.read_text().splitlines())) > 400}


def test_the_runner_of_stages_stays_small():
    runner = [path for file, path in SOURCES.items() if file.startswith("softcifar/pipeline/jobs/")]
    assert sum(len(path.read_text().splitlines()) for path in runner) <= 450
