"""The studies that are committed: each is whole, and their index says of each what holds."""

import re
import subprocess
import sys

import pytest
import yaml

from softcifar.params.study import load
from softcifar.pipeline import studies
from softcifar.pipeline.fingerprint import Code
from softcifar.pipeline.plan import entries
from tests.conftest import ROOT

NAMES = studies.names(ROOT)


@pytest.fixture(scope="module")
def code():
    """What is read of the code, once for all studies."""
    return Code(ROOT)


@pytest.mark.parametrize("name", NAMES)
def test_every_study_is_valid_and_has_a_plan(name, code):
    study = load(ROOT / "studies" / name / "params.yaml")
    assert study.study == name
    assert {"prepare.json", "report.json"} <= entries(study, ROOT, code).keys()


def test_checking_params_does_not_import_torchs_compiler():
    """It takes as long as all the rest, and building networks without memory imports it easily."""
    check = """
import sys
from pathlib import Path
from softcifar.params.study import load
for path in sys.argv[1:]:
    load(Path(path))
    assert "torch._dynamo" not in sys.modules, path
"""
    files = [str(ROOT / "studies" / name / "params.yaml") for name in NAMES]
    subprocess.run([sys.executable, "-c", check, *files], cwd=ROOT, check=True)


def test_a_fresh_clone_runs_shapes():
    """Of the commit: the working tree may hold another study."""
    committed = subprocess.run(["git", "show", "HEAD:params.yaml"], cwd=ROOT, capture_output=True)
    if committed.returncode:
        pytest.skip("no Git checkout with a params.yaml")
    assert committed.stdout == (ROOT / "studies/shapes/params.yaml").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_study_says_its_question_and_where_it_runs(name):
    text = (ROOT / "studies" / name / "README.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert "?" in studies.question(text)
    assert studies.item(text, "command") == f"`make repro STUDY={name}`"
    assert studies.item(text, "runs on") != "–"


def published() -> list[str]:
    return [name for name in NAMES if (ROOT / "studies" / name / "tables").exists()]


@pytest.mark.parametrize("name", published())
def test_what_is_published_is_small_and_all_that_its_readme_shows(name):
    folder = ROOT / "studies" / name
    shown = set(re.findall(r"\]\((?:figures|tables)/([^)\s]+)\)", (folder / "README.md").read_text()))
    files = [path for place in ("tables", "figures") for path in (folder / place).glob("*")]
    assert shown <= {path.name for path in files}
    assert {path.suffix for path in files} <= {".csv", ".md", ".svg", ".png"}
    assert max(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 2**20


def test_the_index_is_up_to_date():
    """After a change of code, params or results: python -m softcifar.pipeline.studies."""
    assert (ROOT / "studies/README.md").read_text() == studies.index(ROOT)


def test_a_published_lock_is_of_its_own_study_alone():
    for name in published():
        if (lock := ROOT / "studies" / name / "dvc.lock").exists():
            stages = yaml.safe_load(lock.read_text())["stages"]
            students = {stage.partition("@")[2] for stage in stages if stage.startswith("train@")}
            assert students == load(ROOT / "studies" / name / "params.yaml").students.keys()
