"""make repro STUDY=x: params.yaml and dvc.lock become those of the study, and edits are never overwritten."""

import os
import subprocess
import sys

import pytest

from softcifar.errors import UserError
from softcifar.pipeline.studies import names, switch
from tests.conftest import ROOT


@pytest.fixture
def root(tmp_path):
    """A project with two studies, a (which runs) and b (which is published), and a folder that is none."""
    for name in ("a", "b"):
        (tmp_path / "studies" / name).mkdir(parents=True)
        (tmp_path / "studies" / name / "params.yaml").write_text(f"# why\nstudy: {name}\n")
    (tmp_path / "studies/.a.part").mkdir()
    (tmp_path / "studies/.a.part/params.yaml").touch()
    (tmp_path / "studies/b/dvc.lock").write_text("the lock of b\n")
    (tmp_path / "params.yaml").write_text("# why\nstudy: a\n")
    (tmp_path / "dvc.lock").write_text("the lock of a\n")
    return tmp_path


def contents(root) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_published_study_brings_its_params_and_its_lock(root):
    assert names(root) == ["a", "b"]
    assert switch(root, "b")
    assert (root / "params.yaml").read_text() == "# why\nstudy: b\n"
    assert (root / "dvc.lock").read_text() == "the lock of b\n"


def test_a_study_that_is_not_published_leaves_the_lock(root):
    switch(root, "b")
    assert switch(root, "a")
    assert (root / "params.yaml").read_text() == "# why\nstudy: a\n"
    assert (root / "dvc.lock").read_text() == "the lock of b\n"


def test_the_study_that_runs_stays_as_far_as_it_has_come(root):
    switch(root, "b")
    (root / "dvc.lock").write_text("the lock of b, further\n")
    before = contents(root)
    assert not switch(root, "b")
    assert contents(root) == before


@pytest.mark.parametrize("edited", ["# why\nstudy: a\nseeds: {}\n", "# why not\nstudy: a\n", "study: a"])
def test_edits_are_not_overwritten(root, edited):
    (root / "params.yaml").write_text(edited)
    before = contents(root)
    with pytest.raises(
        UserError, match=r"^params.yaml: holds edits .* STUDY=b would overwrite; to keep them, .* store it: mkdir studies/"
    ):
        switch(root, "b")
    assert contents(root) == before


def test_edits_that_are_kept_or_dropped_as_the_sentence_says_let_a_switch_pass(root):
    mine = "# why\nstudy: mine\n"
    (root / "params.yaml").write_text(mine)
    (root / "studies/mine").mkdir()
    (root / "studies/mine/params.yaml").write_text(mine)
    assert switch(root, "b")
    (root / "params.yaml").unlink()
    assert switch(root, "mine")
    assert (root / "params.yaml").read_text() == mine


def test_an_unknown_study_is_one_sentence_with_the_closest_name(root):
    (root / "studies/cifar10h").mkdir()
    (root / "studies/cifar10h/params.yaml").touch()
    before = contents(root)
    done = subprocess.run(
        [sys.executable, "-m", "softcifar.pipeline.studies", "--switch", "cifar10_h"],
        cwd=root, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == ("error: STUDY: there is no study 'cifar10_h'; did you mean 'cifar10h'? allowed: a, b, cifar10h\n")
    assert {name: text for name, text in contents(root).items() if not name.startswith(".state")} == before


def test_make_switches_only_where_a_study_is_named():
    def recipe(*arguments: str) -> str:
        return subprocess.run(["make", "-n", "repro", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "python -m softcifar.pipeline.studies --switch 'smoke'" in recipe("STUDY=smoke")
    assert "--switch" not in recipe()
