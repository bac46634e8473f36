"""The whole pipeline, run by dvc on the smoke study: what runs when, what it leaves, and that it ends in the same bytes."""

import copy
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.conftest import Workspace, study_file

SMOKE = yaml.safe_load(study_file("smoke").read_text())


def digests(folder: Path, *patterns: str) -> dict[str, str]:
    files = sorted(path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != ".gitignore" and not path.name.endswith(".run.json")
    }


RESULTS = ("models/**/*", "scores/**/*", "reports/**/*")
OUTPUTS = (*RESULTS, "data/**/*")


@pytest.fixture
def finished(smoke_study) -> Workspace:
    """The finished smoke study; only to be read."""
    return smoke_study


@pytest.fixture
def workspace(finished, tmp_path) -> Workspace:
    """A copy of it, to work on."""
    return finished.copy(tmp_path / "study")


@pytest.fixture
def study() -> dict:
    return copy.deepcopy(SMOKE)


def test_everything_is_there_and_a_second_repro_runs_nothing(workspace):
    """The one run from params to page that is not marked slow."""
    folder = workspace.folder
    metrics = json.loads((folder / "reports/metrics.json").read_text())
    assert set(metrics) == {"hard", "instance"}
    assert all(0 <= student["accuracy"] <= 1 for student in metrics.values())
    page = (folder / "reports/index.html").read_text()
    assert "instance" in page
    assert (folder / "models/students/instance/run_1.safetensors").is_file()
    about = json.loads((folder / "scores/students/instance/about.json").read_text())
    assert about["candidates"] == [{"loss.alpha": 0.05}, {"loss.alpha": 0.1}]
    assert workspace.repro() == []
    runs = list((folder / ".state/runs").glob("*.safetensors"))
    assert len(runs) == 2 + 2 * 3 + 2  # folds; of each student a search over two, then one more run; shallow ones


@pytest.mark.slow
def test_two_clean_runs_end_in_the_same_bytes_also_without_dvc(finished, tmp_path):
    other = Workspace.create(tmp_path / "other", SMOKE)
    sections = (("soften", "labels"), ("train", "students"), ("surrogate", "surrogates"), ("evaluate", "students"))
    other.stages(
        ("plan",),
        *(("download", name) for name in SMOKE["datasets"]),
        ("prepare",),
        ("teach", "resnet8"),
        *((stage, name) for stage, section in sections for name in SMOKE[section]),
        *(("distill", name) for name in SMOKE["distillation"]["students"]),
        ("illustrate", "two_moons"),
        ("report",),
    )
    ours, theirs = digests(finished.folder, *OUTPUTS), digests(other.folder, *OUTPUTS)
    assert len(ours) > 40
    assert ours == theirs


@pytest.mark.slow
def test_stages_side_by_side_end_in_the_same_bytes_as_one_after_the_other(finished, workspace):
    """Both students, and all that follows from them, computed anew: neither their outputs nor DVC's memory of them is there."""
    for folder in (".dvc/cache/runs", ".state", "models/students", "models/shallow", "data/surrogates", "scores", "reports"):
        for path in (workspace.folder / folder).rglob("*"):
            if path.is_file() and not path.name.startswith(".git"):
                path.unlink()
    done = workspace.run(sys.executable, "-m", "softcifar.pipeline.jobs", "--jobs", "2")
    ran = set(re.findall(r"^(\S+)  ", done.stderr, re.MULTILINE))
    students = {"train@hard", "train@instance", "surrogate@hard", "evaluate@hard", "evaluate@instance", "distill@hard"}
    assert ran == students | {"illustrate@two_moons", "report"}
    assert digests(workspace.folder, *OUTPUTS) == digests(finished.folder, *OUTPUTS)
    locks = [yaml.safe_load((each.folder / "dvc.lock").read_text()) for each in (workspace, finished)]
    assert locks[0] == locks[1]  # DVC appends entries as stages happen to end


@pytest.mark.slow
def test_adding_a_student_trains_just_that_one_and_removing_it_removes_every_trace(workspace, study):
    """Another student is changed when it is removed, which trains just that one."""
    study["students"]["softer"] = {"labels": "instance", "lr": 0.05}
    workspace.set_params(study)
    assert workspace.repro() == ["plan", "train@softer", "evaluate@softer", "report"]
    assert "softer" in (workspace.folder / "reports/index.html").read_text()
    del study["students"]["softer"]
    study["students"]["hard"]["lr"] = 0.05
    workspace.set_params(study)
    # Images moved against hard are tried on all students, so all are evaluated anew.
    attacked = {"surrogate@hard", "evaluate@hard", "evaluate@instance"}
    assert set(workspace.repro()) == {"plan", "train@hard", *attacked, "distill@hard", "report"}
    kept = [path for path in (workspace.folder / "reports").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"softer" in path.read_bytes()]


@pytest.mark.slow
def test_editing_code_runs_what_uses_it(workspace):
    def edit(file: str, old: str, new: str) -> list[str]:
        path = workspace.folder / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        return workspace.repro()

    (workspace.folder / "softcifar/losses/another.py").write_text("def another(logits, targets):\n    return logits.sum()\n")
    loss = "softcifar/losses/label_relaxation.py"
    assert edit(loss, "    targets = as_targets(", "    # edited\n    targets = as_targets(") == ["plan"]
    assert edit("stages/report.py", 'Path("reports")', 'Path("./reports")') == ["plan", "report"]
    # The retrained weights are the same bytes, so nothing after them runs but the report, which replaces the curves that
    # grew in its folder meanwhile by its own.
    before = digests(workspace.folder, *RESULTS)
    assert edit(loss, "(1 - alpha) * targets\n", "targets * (1 - alpha)\n") == ["plan", "train@instance", "report"]
    assert digests(workspace.folder, *RESULTS) == before


@pytest.mark.slow
def test_a_stage_that_is_killed_goes_on_and_ends_in_the_same_bytes(workspace, study):
    study["students"]["hard"] |= {"epochs": 6}
    workspace.set_params(study)
    workspace.stage("plan")
    workspace.stage("train", "hard")
    whole = digests(workspace.folder, "models/students/hard/*")
    states = workspace.folder / ".state/runs"
    shutil.rmtree(states)

    def epochs() -> int:
        from softcifar.training.state import load_state

        return sum(load_state(path).epoch for path in states.glob("*.safetensors"))

    command = [sys.executable, "-m", "stages.train", "hard"]
    process = subprocess.Popen(command, cwd=workspace.folder, env=workspace.environment, stderr=subprocess.DEVNULL)
    deadline = time.time() + 120
    while epochs() < 2 and process.poll() is None and time.time() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done_before = epochs()
    assert 2 <= done_before < 12  # it was killed in the middle
    workspace.stage("train", "hard")
    assert digests(workspace.folder, "models/students/hard/*") == whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "command", "message"),
    [
        ({"recipe": {"lrr": 1}}, ("plan",), "recipe: unknown key 'lrr'; did you mean 'lr'?"),
        ({}, ("train", "hrad"), "there is no student 'hrad'; did you mean 'hard'?"),
        ({"data": {"images": "unseen"}}, ("prepare",), "no labels"),
        (
            {"recipe": {"lr": 1000, "weight_decay": 100, "warmup": 0}},
            ("train", "hard"),
            "student hard, run 0, initialisation 0: the loss is no longer finite",
        ),
    ],
)
def test_mistakes_end_with_status_2_one_sentence_and_nothing_half_written(workspace, study, change, command, message):
    def outputs() -> dict[str, str]:
        found = digests(workspace.folder, *OUTPUTS)
        return {file: content for file, content in found.items() if command == ("plan",) or not file.startswith("data/plan/")}

    for section, entries in change.items():
        study[section].update(entries)
    workspace.set_params(study)
    before = outputs()
    done = workspace.stages(*dict.fromkeys([("plan",), command]), check=False)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stderr
    assert outputs() == before


@pytest.mark.slow
def test_a_damaged_label_file_is_named(workspace):
    path = workspace.folder / "data/labels/hard.npz"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    done = workspace.stage("train", "hard", check=False)
    assert done.returncode == 2
    assert "data/labels/hard.npz: not a readable .npz file" in done.stderr
    np.savez(path, probs=np.ones((3, 10), np.float32), index=np.arange(3))
    assert "was made for other training images" in workspace.stage("train", "hard", check=False).stderr


@pytest.mark.slow
def test_no_space_left_is_one_sentence_and_the_old_model_stays(workspace):
    """A limit on the size of files stands in for a full disk: weights need more than 50 blocks."""
    before = digests(workspace.folder, "models/students/hard/*")
    done = workspace.run("bash", "-c", f"ulimit -f 50; exec {sys.executable} -m stages.train hard", check=False)
    assert done.returncode == 2
    assert "cannot be written or read (File too large)" in done.stderr
    assert "Traceback" not in done.stderr
    assert digests(workspace.folder, "models/students/hard/*") == before
    assert not list((workspace.folder / "models/students").glob(".*.part"))


@pytest.mark.slow
def test_a_study_of_simulations_runs_from_params_to_page(tmp_path):
    study = yaml.safe_load(study_file("gaussians").read_text())
    study["datasets"]["gaussians"] |= {"data_sets": 3, "test": 100}
    study["seeds"]["runs"] = 2
    study["recipe"]["epochs"] = 15
    methods = {"none": {"source": "hard"}, "smoothing": {"source": "uniform", "epsilon": [0.1, 0.2]}}
    study["simulations"] = {"only": {"patience": 5, "folds": 1, "methods": methods}}
    workspace = Workspace.create(tmp_path / "study", study, dvc=True)
    assert workspace.repro() == ["plan", "download@gaussians", "prepare", "simulate@only", "report"]
    assert "What a budget buys" in (workspace.folder / "reports/index.html").read_text()
    assert workspace.repro() == []
    study["report"]["reference"] = "smoothing"
    workspace.set_params(study)
    assert workspace.repro() == ["plan", "report"]
