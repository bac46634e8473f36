"""What stage scripts share: their entry of the plan, the record of a run, and what other studies left behind."""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import pytest
import yaml

from softcifar.errors import UserError
from softcifar.pipeline.outputs import LEFT, entry_of, output_of, outputs, tidy
from softcifar.pipeline.record import installed, made_with_others, record_of, write_run_record
from softcifar.pipeline.stage import entry, of_params, run

PARAMS = {"study": "tiny", "recipe": {"lr": 0.001, "nesterov": True}, "students": {"hard": {"labels": "hard"}}}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A folder with a params.yaml and a plan of it."""
    monkeypatch.chdir(tmp_path)
    write_params(PARAMS)
    for name in ("train/hard", "train/smooth", "prepare"):
        file = Path("data/plan") / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"params": {"of": name}, "code": "abc"}))
    Path("data/plan/params.json").write_text(json.dumps(of_params()))
    return tmp_path


def write_params(params: dict) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(params))


def called(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["stages/train.py", *arguments])


def test_a_stage_reads_its_own_entry(study, monkeypatch):
    called(monkeypatch, "smooth")
    found = entry("train", "student")
    assert (found.name, found.params, found.code) == ("smooth", {"of": "train/smooth"}, "abc")
    called(monkeypatch)
    assert entry("prepare").params == {"of": "prepare"}


def test_an_unknown_item_is_one_sentence_with_the_closest_name(study, monkeypatch):
    called(monkeypatch, "hrad")
    with pytest.raises(UserError, match=r"^params.yaml: there is no student 'hrad'; did you mean 'hard'\?"):
        entry("train", "student")


@pytest.mark.parametrize("change", [{"recipe": {"lr": 0.002, "nesterov": True}}, {"students": {}}, {"more": None}])
def test_a_plan_of_other_params_is_refused(study, monkeypatch, change):
    called(monkeypatch, "hard")
    write_params(PARAMS | change)
    with pytest.raises(UserError, match=r"data/plan: is not the plan of the present params.yaml; run python -m stages.plan"):
        entry("train", "student")


def test_no_plan_is_refused(study, monkeypatch):
    called(monkeypatch, "hard")
    Path("data/plan/params.json").unlink()
    with pytest.raises(UserError, match="is not the plan of the present"):
        entry("train", "student")


def test_the_order_of_keys_counts(study, monkeypatch):
    """It is that of the report's rows."""
    called(monkeypatch, "hard")
    Path("params.yaml").write_text(yaml.safe_dump(dict(reversed(PARAMS.items())), sort_keys=False))
    with pytest.raises(UserError, match="is not the plan of the present"):
        entry("train", "student")


def test_a_finished_stage_leaves_a_record_and_a_failed_one_none(study, capsys):
    run(lambda: Path("data/plan"))
    record = json.loads(Path("data/plan.run.json").read_text())
    assert record["versions"] == installed()
    assert set(record["versions"]) == {"torch", "torchvision", "numpy", "scipy", "scikit-learn"}
    assert record["seconds"] >= 0

    assert record["plan"] is None
    run(lambda: Path("models/students/hard"))
    record = json.loads(Path("models/students/hard.run.json").read_text())
    assert record["plan"] == hashlib.md5(Path("data/plan/train/hard.json").read_bytes()).hexdigest()

    def fails():
        raise UserError("this is wrong")

    with pytest.raises(SystemExit) as ended:
        run(fails)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: this is wrong\n"


@pytest.mark.parametrize(
    ("stage", "output", "file"),
    [
        ("train@hard", "models/students/hard", "train/hard.json"),
        ("soften@human", "data/labels/human.npz", "soften/human.json"),
        ("prepare", "data/study", "prepare.json"),
        ("report", "reports/index.html", "report.json"),
        ("plan", None, None),
    ],
)
def test_a_stage_its_output_and_its_entry_of_the_plan_belong_together(tmp_path, stage, output, file):
    assert output_of(stage, tmp_path) == (output and tmp_path / output)
    assert entry_of(Path(output or "data/plan")) == file


def test_results_made_with_other_versions_are_named(tmp_path):
    made = [tmp_path / name for name in ("hard", "smooth", "gone")]
    for folder in made:
        folder.mkdir()
        write_run_record(folder, time.time(), None)
    assert made_with_others(made) == {}
    for folder in (made[1], made[2]):
        record = json.loads(record_of(folder).read_text())
        record["versions"]["torch"] = "1.0"
        record_of(folder).write_text(json.dumps(record))
    made[2].rmdir()  # a record of what is no longer there
    assert made_with_others(made) == {f"torch 1.0 (now {installed()['torch']})": [made[1]]}
    record_of(made[1]).write_text("[]")
    assert made_with_others(made) == {}


PLAN = ["download/shapes.json", "train/hard.json", "soften/hard.json", "distill/hard.json", "report.json"]


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_what_other_studies_left_is_moved_away(tmp_path):
    ours = [
        "data/raw/shapes/a.npz",
        "models/students/hard/run_0.safetensors",
        "models/students/hard.run.json",
        "data/labels/hard.npz",
        "scores/shallow/hard/x.npz",
        "models/teachers/.gitkeep",
    ]
    theirs = [
        "data/raw/cifar10/batch",
        "models/students/soft/run_0.safetensors",
        "models/students/soft.run.json",
        "data/labels/soft.npz",
        "scores/students/x/y",
        "data/surrogates/hard.npz",
        "models/teachers/big/logits.npz",
    ]
    put(tmp_path, *ours, *theirs, "data/study/train.npz")
    moved = tidy(PLAN, tmp_path)
    assert len(moved) == len(theirs)
    assert all((tmp_path / name).exists() for name in (*ours, "data/study/train.npz"))
    assert not any((tmp_path / name).exists() for name in theirs)
    assert (tmp_path / LEFT / "models/students/soft/run_0.safetensors").read_text() == theirs[1]
    assert tidy(PLAN, tmp_path) == []
    assert (tmp_path / "scores/simulations").is_dir()  # stages depend on such folders, empty or not


def test_what_stages_made_is_forgotten_after_a_while_and_nothing_else(tmp_path, monkeypatch):
    put(tmp_path, "models/students/soft/run_0.safetensors", "models/students/soft.run.json", "data/raw/mine/own.png")
    tidy(PLAN, tmp_path)
    put(tmp_path, "models/students/soft/run_1.safetensors", "models/students/soft.run.json", "data/raw/mine/other.png")
    tidy(PLAN, tmp_path)
    left = tmp_path / LEFT
    assert [path.name for path in (left / "models/students/soft").iterdir()] == ["run_1.safetensors"]  # made twice
    assert (left / "data/raw/mine/own.png").exists()  # no record of it: somebody's own, kept beside the second one
    assert (left / "data/raw/mine~2/other.png").exists()
    monkeypatch.setattr(time, "time", lambda: os.stat(tmp_path).st_mtime + 31 * 86400)
    tidy(PLAN, tmp_path)
    assert not list((left / "models/students").iterdir())
    assert (left / "data/raw/mine/own.png").exists()


@pytest.mark.parametrize("name", ["data/raw/mine.npz", "data/labels/notes.txt", "models/students/README.md", "data/labels/x/y"])
def test_what_no_stage_can_have_made_is_named_and_nothing_moves(tmp_path, name):
    put(tmp_path, name, "models/students/soft/run_0.safetensors")
    with pytest.raises(UserError, match="no stage made this, and stages depend on its folder as a whole; move it elsewhere"):
        tidy(PLAN, tmp_path)
    assert (tmp_path / name).exists()
    assert (tmp_path / "models/students/soft").exists()


def test_what_systems_and_editors_leave_is_overlooked(tmp_path):
    put(tmp_path, "data/raw/.DS_Store", "data/raw/shapes/train.npz")
    assert tidy(PLAN, tmp_path) == []


def test_outputs_are_those_of_dvc_yaml():
    """The table of outputs says what the pipeline says."""
    root = Path(__file__).resolve().parents[2]
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    for stage, definition in stages.items():
        if "foreach" in definition:
            outs = {out.replace("${key}", "x") for out in definition["do"]["outs"]}
            assert {str(path) for path in outputs([f"{stage}/x.json"], Path())[2:]} == outs
