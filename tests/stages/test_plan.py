"""The plan stage by hand: what it refuses before anything is written or moved."""

import hashlib

import numpy as np
import yaml

from softcifar.pipeline.jobs.__main__ import lock_folder
from tests.conftest import Workspace, study_file


def test_nothing_is_moved_from_under_a_run(tmp_path, smoke, monkeypatch):
    workspace = Workspace.create(tmp_path / "study", smoke)
    left = workspace.folder / "models/students/another"
    left.mkdir(parents=True)
    monkeypatch.chdir(workspace.folder)
    lock_folder()  # as a run does; it ends with this process's tests, in a folder of this test alone
    done = workspace.stage("plan", "--check", "--tidy", check=False)
    assert done.returncode == 2
    assert "is at work here; wait for it or stop it" in done.stderr
    assert left.is_dir()


def test_a_file_of_ones_own_in_a_folder_that_stages_fill_is_refused(tmp_path, smoke):
    smoke["datasets"]["mine"] = {"source": "npz", "path": "data/raw/mine/own.npz"}
    workspace = Workspace.create(tmp_path / "study", smoke)
    own = workspace.folder / "data/raw/mine/own.npz"
    own.parent.mkdir(parents=True)
    np.savez(own, images=np.zeros((2, 8, 8), np.uint8))
    smoke["datasets"]["mine"]["sha256"] = hashlib.sha256(own.read_bytes()).hexdigest()
    workspace.set_params(smoke)
    done = workspace.stage("plan", check=False)
    assert done.returncode == 2
    assert "datasets.mine.path: found 'data/raw/mine/own.npz' in data/raw, which stages fill" in done.stderr
    assert own.exists()
    assert not (workspace.folder / "data/plan").exists()


def test_the_check_says_how_long_training_on_own_images_takes_and_a_plan_does_not(tmp_path):
    params = yaml.safe_load(study_file("own_images").read_text())
    workspace = Workspace.create(tmp_path / "study", params)
    own = workspace.folder / "own.npz"
    np.savez(own, images=np.zeros((300, 8, 8, 3), np.uint8), labels=np.arange(300) % 3)
    params["datasets"]["images"] |= {"path": "own.npz", "sha256": hashlib.sha256(own.read_bytes()).hexdigest()}
    workspace.set_params(params)
    done = workspace.stage("plan", "--check")
    assert "own images of 8 x 8 pixels: training all students takes roughly " in done.stderr
    assert "images a second; it may be twice as long or half" in done.stderr
    assert "own images" not in workspace.stage("plan").stderr
