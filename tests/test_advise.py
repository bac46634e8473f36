"""python -m softcifar.advise: of a study that has run here or is published, and one sentence where there is none."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from softcifar import advise
from softcifar.errors import UserError
from softcifar.report.chapters import advice
from softcifar.report.core import formats
from tests.report.fixture import STUDENTS, make_study, placed


@pytest.fixture
def finished(study, tmp_path, monkeypatch):
    """The fabricated study as `dvc repro` leaves it in the current folder: params, plan, lock and tables."""
    root, params = study
    monkeypatch.chdir(tmp_path)
    shutil.copytree(root / "reports/tables", tmp_path / "reports/tables")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    plan(params)
    return tmp_path


def plan(params: dict) -> None:
    """data/plan as of params.yaml, and a dvc.lock of stages that ran with it."""
    Path("data/plan/train").mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(Path("params.yaml").read_bytes()).hexdigest()
    Path("data/plan/params.json").write_text(json.dumps({"sha256": digest}))
    files = {"report": Path("data/plan/report.json"), "train@hard": Path("data/plan/train/hard.json")}
    stages = {}
    for stage, path in files.items():
        path.write_text(json.dumps({"params": params, "code": stage}))
        dep = {"path": path.as_posix(), "md5": hashlib.md5(path.read_bytes()).hexdigest()}
        stages[stage] = {"cmd": "", "deps": [dep]}
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def said(**asked) -> str:
    return advise.advice(advise.here(), width=100, **asked)


def test_it_prints_the_reports_table_for_every_budget(finished, study):
    text, made = said(), placed(*study)
    assert text.startswith("fabricated, 3 runs: which labels should I use?")
    assert [line for line in text.splitlines() if line.startswith("With ")] == [
        "With nothing but labels", "With labels and a teacher", "With labels and simulated annotators' votes",
        "With labels, simulated annotators' votes and a teacher",
    ]  # fmt: skip
    words = " ".join(text.split())
    for budget, sentence in advice.facts(made)["advised"]:
        assert sentence in words, budget
    for row in advice.decision.table(made).rows:
        for cell in row[2:]:
            assert f"{row[0].text} {cell.text}" in words
    assert re.search(r"^human +people's votes +51 +0 +× 1$", text, re.MULTILINE)
    assert advice.decision.RULE in words
    assert "All runs share one split" in words
    assert max(len(line) for line in text.splitlines() if "×" not in line and "training effort" not in line) <= 100


def test_one_budget_and_one_aim_alone_with_intervals(finished, study):
    text = said(budget="votes", aim="calibration", intervals=True)
    assert text.count("With labels") == 1
    assert "novelty" not in text
    rows = [row for row in advice.standings.standings(placed(*study)) if (row.budget, row.aim) == ("votes", "calibration")]
    for row in rows[1:]:
        assert re.search(rf"^ +{row.student} .*, behind by \S+ \(95 % interval \S+ to \S+\)", text, re.MULTILINE)
    assert "instance" not in text  # needs a teacher
    for words in ("Beaten in nothing", "beaten in something", "any aim"):
        assert words not in text  # of one aim alone


@pytest.mark.parametrize(("key", "found", "near"), [("budget", "vote", "votes"), ("aim", "acuracy", "accuracy")])
def test_an_unknown_name_is_met_with_the_nearest(finished, key, found, near):
    with pytest.raises(UserError, match=f"--{key}: there is no '{found}'; did you mean '{near}'"):
        said(**{key: found})


def test_how_long_training_took_is_said_where_stages_noted_it(finished, study):
    assert "trained in" not in said()
    note = {"plan": hashlib.md5(Path("data/plan/train/hard.json").read_bytes()).hexdigest(), "seconds": 83.0,
            "finished": "2026-11-28 03:00:00 +0000", "host": "h", "python": "3.11", "versions": {}}  # fmt: skip
    Path("models/students").mkdir(parents=True)
    Path("models/students/hard.run.json").write_text(json.dumps(note))
    text = said()
    assert "trained in" in text
    assert re.search(r"^hard .* 1 min 23 s$", text, re.MULTILINE)
    assert re.search(r"^smooth .* –$", text, re.MULTILINE)


def test_without_a_finished_study_there_is_one_sentence(finished, study):
    lock = Path("dvc.lock").read_text()
    Path("data/plan/train/hard.json").write_text("{}")
    with pytest.raises(UserError, match=r"not finished, out of date: train@hard; run make repro$"):
        said()
    Path("dvc.lock").unlink()
    with pytest.raises(UserError, match=r"^params.yaml: there is no finished run of this study; run make repro$"):
        said()
    Path("dvc.lock").write_text(lock)
    Path("params.yaml").write_text(Path("params.yaml").read_text() + "\n")
    with pytest.raises(UserError, match="no finished run"):
        said()
    Path("params.yaml").unlink()
    with pytest.raises(UserError, match=r"params\.yaml: not found"):
        said()


def test_tables_that_are_older_or_damaged_are_named(finished):
    path = Path("reports/tables/advice_sources.csv")
    path.write_text("budget,aim\nlabels,accuracy\n")
    with pytest.raises(UserError, match=r"advice_sources.csv: not a table of the report"):
        said()
    Path("reports/tables/advice_costs.csv").unlink()
    with pytest.raises(UserError, match=r"advice_costs\.csv: not found"):
        said()


def test_a_study_without_students_is_refused(finished, study):
    params = study[1] | {"students": {}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    plan(params)
    with pytest.raises(UserError, match="'fabricated' has no students"):
        said()


def test_below_three_runs_it_says_why_it_cannot_tell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = make_study(tmp_path, students={name: STUDENTS[name] for name in ("hard", "human")}, runs=2, images=60)
    Path("params.yaml").write_text(yaml.safe_dump(params))
    plan(params)
    tables = [table(placed(tmp_path, params)) for table in advice.CHAPTER.tables]
    Path("reports/tables").mkdir(parents=True)
    formats.write(Path("reports/tables"), {table.name: table for table in tables if table.rows})
    text = " ".join(said().split())
    assert "Students have 2 runs, and a test takes 3, so this study does not say which to use." in text
    assert "human people's votes 51" in text
    assert "With" not in text


def test_a_published_study_will_do(finished):
    Path("studies/mine").mkdir(parents=True)
    shutil.copy("params.yaml", "studies/mine/params.yaml")
    with pytest.raises(UserError, match=r"studies/mine/tables/advice_costs.csv: not found.*make repro STUDY=mine"):
        advise.published("mine")
    shutil.copytree("reports/tables", "studies/mine/tables")
    assert advise.advice(advise.published("mine"), width=100).replace("mine, 3", "fabricated, 3") == said()
    with pytest.raises(UserError, match="--study: there is no 'mime'; did you mean 'mine'"):
        advise.published("mime")


def test_the_command_ends_with_status_2_and_one_sentence(tmp_path):
    ran = subprocess.run([sys.executable, "-m", "softcifar.advise"], cwd=tmp_path, capture_output=True, text=True,
                         env={"PYTHONPATH": str(Path(advise.__file__).parents[1])})  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "error: params.yaml: there is no finished run of this study; run make repro\n"
