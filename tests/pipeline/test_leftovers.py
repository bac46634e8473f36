"""What another study, a removed item or another commit left behind is no input: by real dvc, with one student a study."""

import copy
import subprocess

import pytest
import yaml

from tests.conftest import Workspace, study_file

pytestmark = pytest.mark.slow


def small(**changes) -> dict:
    """smoke with one student, no teacher, one run; changed."""
    study = yaml.safe_load(study_file("smoke").read_text())
    study["seeds"] |= {"runs": 1, "search": 1}
    for section in ("teachers", "distillation", "surrogates", "illustrations"):
        del study[section]
    study["labels"] = {"hard": {"source": "hard"}}
    study["students"] = {"hard": {"labels": "hard"}}
    study["evaluation"]["attacks"] = {}
    study["evaluation"]["shifts"] |= {"corruptions": [], "severities": [], "covered": [], "visible": []}
    return study | changes


FIRST = small()
SECOND = small(
    study="other",
    labels={"smooth": {"source": "uniform", "epsilon": 0.1}},
    students={"smooth": {"labels": "smooth"}},
    report={"bins": 15, "reference": "smooth"},
)
del SECOND["datasets"]["noise"]
SECOND["data"]["ood"] = {"unseen": "near"}


@pytest.fixture(scope="module")
def first(made_once) -> Workspace:
    """The first study, finished and committed, with a DVC remote beside it; only to be read."""

    def make(folder):
        workspace = Workspace.create(folder, FIRST, dvc=True)
        workspace.run("git", "config", "user.email", "a@b.c")
        workspace.run("git", "config", "user.name", "A")
        workspace.repro()
        commit(workspace)

    return Workspace(made_once("leftovers", make))


@pytest.fixture
def workspace(first, tmp_path) -> Workspace:
    return first.copy(tmp_path / "study")


def commit(workspace: Workspace) -> str:
    workspace.run("git", "add", "-A")
    workspace.run("git", "commit", "--quiet", "-m", "a study")
    return workspace.run("git", "rev-parse", "HEAD").stdout.strip()


def clean(workspace: Workspace) -> bool:
    return workspace.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_one_study_then_another_then_the_first_again_makes_nothing_anew(workspace):
    lock = (workspace.folder / "dvc.lock").read_text()
    workspace.set_params(SECOND)
    ran = workspace.repro()
    assert {"prepare", "train@smooth", "report"} <= set(ran)
    for left in ("data/raw/noise", "data/labels/hard.npz", "models/students/hard", "scores/students/hard"):
        assert not (workspace.folder / left).exists()
    assert "hard" not in (workspace.folder / "reports/tables/summary.md").read_text()
    workspace.set_params(FIRST)
    assert workspace.repro() == ["plan", "report"]  # the rest comes back from DVC's memory, which keeps no git-tracked tables
    assert clean(workspace)
    first, again = (yaml.safe_load(text)["stages"] for text in (lock, (workspace.folder / "dvc.lock").read_text()))
    assert {name: again[name] for name in first} == first


def test_an_older_commit_comes_back_whole(workspace):
    older = commit_of_second(workspace)
    workspace.run("git", "checkout", "--quiet", older)
    workspace.run("dvc", "checkout")
    assert clean(workspace)
    assert workspace.repro() == []


def commit_of_second(workspace: Workspace) -> str:
    """Commit a second study with a leftover of nobody; returns the commit before it."""
    before = workspace.run("git", "rev-parse", "HEAD").stdout.strip()
    more = copy.deepcopy(FIRST)
    more["students"]["softer"] = {"labels": "smooth"}
    more["labels"]["smooth"] = {"source": "uniform", "epsilon": 0.1}
    workspace.set_params(more)
    assert "train@hard" not in workspace.repro()
    commit(workspace)
    return before


def test_push_clone_pull_and_nothing_runs(first, tmp_path):
    origin = first.copy(tmp_path / "origin")
    for name in ("storage", "clone"):
        (tmp_path / name).mkdir()
    origin.run("dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    commit(origin)
    origin.run("dvc", "push")
    clone = Workspace(tmp_path / "clone")
    subprocess.run(["git", "clone", "--quiet", str(origin.folder), str(clone.folder)], check=True)
    clone.run("dvc", "pull")
    assert clean(clone)
    assert clone.repro() == []
