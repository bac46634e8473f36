"""make publish, on a run that is finished in the eyes of DVC: a real plan, and one stage that writes a report in no time."""

import json
import platform
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest
import yaml

from softcifar.errors import UserError
from softcifar.files import md5
from softcifar.pipeline import provenance, publish, studies
from softcifar.pipeline.jobs.__main__ import lock_folder
from softcifar.pipeline.record import record_of, write_run_record
from softcifar.pipeline.stage import OF_PARAMS, PLAN
from tests.conftest import ROOT, Workspace

UNUSED = -1  # as the descriptor of a lock: nothing is started that would inherit it
PAGE = """
import pathlib
reports = pathlib.Path("reports")
for folder in (reports / "tables", reports / "figures"):
    folder.mkdir(parents=True, exist_ok=True)
(reports / "metrics.json").write_text("{}")
(reports / "tables/summary.md").write_text("## Summary\\n\\n| student | accuracy |\\n| --- | --- |\\n| hard | 89.5 |\\n")
(reports / "tables/summary.csv").write_text("student,accuracy\\nhard,0.895\\n")
(reports / "tables/summary.tex").write_text("not for Git")
(reports / "tables/long.csv").write_text("x" * 2_000_000)
said = "A1,Soft labels help (Somebody 2020)."
rows = [f"{said},supported,human against hard,accuracy,runs,,,human hard"]
rows += [f"{said},undecided,a against b,NLL,runs,31,find it,a b"]
header = "claim,statement,verdict,compared,metric,unit,needed,needed_to,students"
(reports / "tables/claims.csv").write_text("\\n".join([header, *rows]) + "\\n")
(reports / "figures/attack.svg").write_text("<svg/>")
(reports / "figures/roc.svg").write_text("<svg/>")
(reports / "index.html").write_text("<html>")
"""


def record(output: Path, plan: str, **changes: object) -> None:
    """What a stage notes beside its output."""
    write_run_record(output, 0.0, plan)
    noted = json.loads(record_of(output).read_text())
    changes = {"finished": "2026-11-26 21:51:27 +0000", "seconds": 3725.2, "versions": {"torch": "2.15.0"}} | changes
    record_of(output).write_text(json.dumps(noted | changes))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Workspace:
    """The smoke study: its real plan, and a single stage that stands for all others."""
    workspace = Workspace.create(tmp_path_factory.mktemp("publish") / "study", {})
    for name in ("params.yaml", "README.md"):
        (workspace.folder / "studies/smoke").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "studies/smoke" / name, workspace.folder / "studies/smoke" / name)
    for other in set(studies.names(workspace.folder)) - {"smoke"}:
        shutil.rmtree(workspace.folder / "studies" / other)
    shutil.copyfile(workspace.folder / "studies/smoke/params.yaml", workspace.folder / "params.yaml")
    workspace.stage("plan")
    found = (path.relative_to(workspace.folder) for path in (workspace.folder / PLAN).rglob("*.json"))
    plan = sorted(str(path) for path in found if path != OF_PARAMS)  # which no stage reads as its own
    (workspace.folder / "page.py").write_text(PAGE)
    outs = [{f"reports/{name}": {"cache": False}} for name in ("tables", "figures", "metrics.json", "index.html")]
    stage = {"cmd": "python page.py", "deps": plan, "outs": outs}
    (workspace.folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"report": stage}}))
    workspace.run("git", "init", "--quiet")
    workspace.run("dvc", "init", "--quiet")
    workspace.repro()
    record(workspace.folder / "reports/index.html", md5((workspace.folder / "data/plan/report.json").read_bytes()))
    return workspace


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The same as far as files go, in the eyes of publish: it does not ask DVC, and the plan is as it was."""
    (tmp_path / "studies/smoke").mkdir(parents=True)
    shutil.copyfile(ROOT / "studies/smoke/params.yaml", tmp_path / "studies/smoke/params.yaml")
    shutil.copyfile(ROOT / "studies/smoke/params.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    exec(PAGE)
    dep = {"path": "data/plan/report.json", "md5": "a" * 32}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": {"report": {"deps": [dep]}}}))
    monkeypatch.setattr(publish, "finished_lock", lambda root, lock: (root / "dvc.lock").read_text())
    monkeypatch.setattr(studies, "present_plan", lambda params, root, code: {dep["path"]: dep["md5"]})
    return tmp_path


def results(workspace: Workspace) -> str:
    """The last cell of smoke's row in the index, by the code that lies in the workspace."""
    workspace.run(sys.executable, "-m", "softcifar.pipeline.studies")
    index = (workspace.folder / "studies/README.md").read_text()
    return re.search(r"^\| \[`smoke`\].* \| ([^|]+) \|$", index, re.MULTILINE)[1]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_finished_run_is_stored_and_fresh_until_code_or_params_change(finished, tmp_path):
    workspace = finished.copy(tmp_path / "study")
    folder = workspace.folder / "studies/smoke"
    assert studies.state(workspace.folder, "smoke") == "not published"
    with open(workspace.folder / "dvc.lock", "a") as lock:
        lock.write("  train@left_by_another_study:\n    cmd: python -m stages.train left\n")
    hand = "# smoke\n\nDoes it run?\n\n![Attack](figures/attack.svg)\n"
    (folder / "README.md").write_text(hand)
    (folder / "notes.md").write_text("of mine")
    done = workspace.run(sys.executable, "-m", "softcifar.pipeline.publish")
    assert "reports/tables/long.csv: left out, larger than 1 MiB" in done.stdout
    assert set(tree(folder)) == {
        "params.yaml", "dvc.lock", "metrics.json", "README.md", "notes.md", "tables/summary.md", "tables/summary.csv",
        "tables/claims.csv", "figures/attack.svg",
    }  # fmt: skip
    assert yaml.safe_load((folder / "dvc.lock").read_text())["stages"].keys() == {"report"}
    assert (folder / "dvc.lock").read_bytes() == (workspace.folder / "dvc.lock").read_bytes()
    text = (folder / "README.md").read_text()
    assert text.startswith(hand)
    assert studies.item(text, "time") == "1 h 2 min, the sum of 1 stage"
    assert studies.item(text, "versions") == f"python {platform.python_version()}, torch 2.15.0"
    assert studies.item(text, "finished") == "2026-11-26"
    assert provenance.processor() in studies.item(text, "hardware")
    assert socket.gethostname() not in text
    assert "- A1. Soft labels help (Somebody 2020): 1 supported, 1 undecided.\n" in text
    assert "| A1 | a against b | NLL | 31 | find it | not recorded |" in text
    assert "| hard | 89.5 |" in text
    index = (workspace.folder / "studies/README.md").read_text()
    assert "| [`smoke`](smoke/) | Does it run? | – | 1 h 2 min, the sum of 1 stage | *fresh* |\n" in index

    loss = workspace.folder / "softcifar/losses/cross_entropy.py"
    source = loss.read_text()
    loss.write_text(source.replace("return ", "return 2 * ", 1))
    assert loss.read_text() != source
    assert results(workspace) == "*stale*"
    loss.write_text(source)
    page = workspace.folder / "softcifar/report/chapters/findings/figure.py"
    page.write_text(page.read_text().replace("HEAD, FOOT = 0.33", "HEAD, FOOT = 0.43", 1))
    assert results(workspace) == "*networks fresh*"
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace("runs: 2", "runs: 3"))
    assert results(workspace) == "*stale*"


@pytest.mark.slow
def test_a_run_that_is_not_finished_is_refused(finished, tmp_path, monkeypatch):
    root = finished.copy(tmp_path / "study").folder
    monkeypatch.chdir(root)
    (root / "data/plan/report.json").write_text("{}")
    expected = "params.yaml: the study is not finished, out of date: report; run make repro, then make publish"
    assert refusal(root, lock_folder()) == expected


def refusal(root: Path, lock: int = UNUSED) -> str:
    """The sentence with which nothing is written."""
    before = tree(root / "studies")
    with pytest.raises(UserError) as caught:
        publish.publish(root, lock)
    assert tree(root / "studies") == before
    return str(caught.value)


def test_edited_params_are_not_published_under_the_old_name_but_under_a_new_one(root):
    params = root / "params.yaml"
    text = params.read_text()
    params.write_text(f"# edited\n{text}")
    sentence = "params.yaml: its key study is 'smoke', but it differs from studies/smoke/params.yaml; give it a name of its own"
    assert refusal(root).startswith(sentence)
    params.write_text(text.replace("study: smoke", "study: mine"))
    publish.publish(root, UNUSED)
    folder = root / "studies/mine"
    assert (folder / "params.yaml").read_bytes() == params.read_bytes()
    assert (folder / "README.md").read_text().startswith("# mine\n\nsmoke: shapes in miniature")
    index = (root / "studies/README.md").read_text()
    assert re.search(r"^\| \[`mine`\].* \| \*fresh\* \|$", index, re.MULTILINE)
    assert re.search(r"^\| \[`smoke`\].* \| not published \|$", index, re.MULTILINE)


@pytest.mark.parametrize(
    ("readme", "sentence"),
    [
        (
            "# smoke\n\n![x](figures/atack.svg)\n",
            r"shows figures/atack.svg, which the report does not have; did you mean 'attack.svg'\?",
        ),
        ("# smoke\n\n![x](figures/large.svg)\n", "shows figures/large.svg of 1,048,577 bytes; allowed: 1,048,576"),
        (f"# smoke\n\n{publish.BEGIN}\n\nmy own words\n", "has the line '.*' without '.*' below it"),
    ],
)
def test_a_readme_that_does_not_fit_is_refused(root, readme, sentence):
    (root / "reports/figures/large.svg").write_bytes(b"x" * (2**20 + 1))
    (root / "studies/smoke/README.md").write_text(readme)
    assert re.match(rf"studies/smoke/README.md: {sentence}", refusal(root))


def test_missing_tables_are_refused(root):
    (root / "reports/tables/summary.md").unlink()
    assert refusal(root) == "reports/tables: has no summary.csv and summary.md; run make repro, then make publish"


def test_a_lock_keeps_its_text():
    text = (ROOT / "dvc.lock").read_text()
    stages = list(yaml.safe_load(text)["stages"])
    assert publish.only(text, stages) == text
    kept = publish.only(text, stages[1:3])
    assert yaml.safe_load(kept)["stages"] == {name: yaml.safe_load(text)["stages"][name] for name in stages[1:3]}
    assert set(kept.splitlines()) <= set(text.splitlines())
    with pytest.raises(UserError, match=r"^dvc.lock: has no entry of train@new; run make repro"):
        publish.only(text, ["train@new"])


def test_the_generated_part_is_replaced_and_what_stands_around_it_stays():
    once = publish.with_part("# x\n\nWhy?\n", "one\n", Path("README.md"))
    twice = publish.with_part(once + "\nBelow.\n", "two\n", Path("README.md"))
    assert twice.startswith("# x\n\nWhy?\n\n")
    assert twice.endswith("\nBelow.\n")
    assert "two" in twice
    assert "one" not in twice
    assert publish.with_part(twice, "two\n", Path("README.md")) == twice


def claims(folder: Path, *rows: str) -> Path:
    header = "claim,statement,verdict,compared,metric,unit,needed,needed_to,students"
    (folder / "claims.csv").write_text("\n".join([header, *(f"A1,It helps.,{row}" for row in rows)]) + "\n")
    return folder


def test_the_row_over_all_pairs_is_named_before_the_count_of_the_single_ones(tmp_path):
    every = "all 15 pairs together (people's votes against majority votes)"
    rows = [f"supported,{every},accuracy,runs,,,a b", "undecided,a against b,accuracy,runs,31,find it,a b"]
    words = publish.claims_in_words(claims(tmp_path, *rows))
    assert "- A1. It helps: accuracy of all pairs together supported; 1 undecided.\n" in words


def test_rows_against_all_rivals_at_once_are_named_before_the_single_ones(tmp_path):
    rows = [
        'contradicted,"a against all of b, c at once: b","accuracy at the end, points",runs,,,a b c',
        "undecided,a against b,e,runs,9,find it,a b",
    ]
    words = publish.claims_in_words(claims(tmp_path, *rows))
    assert "- A1. It helps: accuracy at the end, against all at once: contradicted; 1 undecided.\n" in words


def test_findings_stand_under_their_questions(tmp_path):
    rows = [
        'What is compared?,"13 students, with hard."',
        "Is it right?,No.",
        "Is it worth it?,One is.",
        "Is it worth it?,Two are.",
    ]
    (tmp_path / "findings.csv").write_text("\n".join(["question,finding", *rows]) + "\n")
    (tmp_path / "findings.md").write_text("## Findings\n\n| Question |\n|---|\n| a |\n\nGains: + is better.\n")
    assert publish.findings(tmp_path).splitlines() == [
        "13 students, with hard.",
        "",
        "- Is it right? No.",
        "- Is it worth it?",
        "  - One is.",
        "  - Two are.",
        "",
        "Gains: + is better.",
        "",
    ]
    (tmp_path / "findings.csv").unlink()  # a study of active learning alone
    assert publish.findings(tmp_path) == ""


def test_undecided_rows_say_what_would_decide_them_and_what_it_costs(tmp_path):
    tables = claims(
        tmp_path,
        "undecided,a against b,NLL,runs,13,find it,a b",
        "undecided,a against c,NLL,runs,9,show it small,a c",
        "supported on these images,a against b,ECE,runs,5,,a b",
        "undecided,a against b,never,runs,inf,find it,a b",
        "undecided,a against b,too far,runs,10001,find it,a b",
        "undecided,a against b,two runs,runs,,,a b",
        "undecided,a against b,simulated,data sets,50,find it,",
    )
    text = publish.to_decide(tables, 3, {"a": 60.0, "b": 12.0})
    assert [line for line in text.splitlines() if line.startswith("| A1")] == [
        "| A1 | a against c | NLL | 9 | show it small | not recorded |",
        "| A1 | a against b | NLL | 13 | find it | 12 min 0 s |",  # 10 more runs of 72 s
    ]
    assert "Rows that need more runs than these: 2;" in text
    assert publish.to_decide(claims(tmp_path, "undecided,a,NLL,runs,,,a"), 3, {}) == ""


def test_a_note_stands_below_the_time_and_is_given_with_every_publishing(root):
    readme = root / "studies/smoke/README.md"
    _, told = publish.publish(root, UNUSED, "in two goes, with another study's stages beside them")
    assert "\n- note: in two goes, with another study's stages beside them\n" in readme.read_text()
    assert told == ["reports/tables/long.csv: left out, larger than 1 MiB"]
    _, told = publish.publish(root, UNUSED)
    assert "- note: " not in readme.read_text()
    assert told[1].startswith("studies/smoke/README.md: no longer has the note 'in two goes, with another study's stages")


@pytest.mark.parametrize("note", ["two\nlines", "x" * 301])
def test_a_note_is_one_line(root, note):
    with pytest.raises(UserError, match=f"NOTE: found {len(note)} characters; allowed: one line of at most 300"):
        publish.publish(root, UNUSED, note)
    assert not (root / "studies/smoke/README.md").exists()


def test_the_time_by_the_clock_counts_what_ran_side_by_side_once():
    def noted(seconds: float, finished: str) -> provenance.Record:
        return provenance.Record(seconds, f"2026-11-26 {finished} +0000", "", {}, "cpu")

    beside = {"a": noted(60, "10:01:00"), "b": noted(90, "10:01:30"), "c": noted(30, "10:01:00")}
    assert provenance.by_the_clock(beside.values()) == 90
    later = beside | {"report": noted(20, "18:00:00")}  # nothing ran in between
    assert provenance.time_taken(later) == "1 min 50 s by the clock; 3 min 20 s is the sum of 4 stages"
    in_turn = {"a": noted(60, "10:01:00"), "b": noted(90, "10:02:31")}
    assert provenance.time_taken(in_turn) == "2 min 30 s, the sum of 2 stages"


def test_a_run_costs_its_share_of_training_and_evaluation(tmp_path):
    folder = tmp_path / "models/students/a"
    folder.mkdir(parents=True)
    about = {"candidates": [{}, {}, {}, {}], "search_runs": 1, "refit": False, "seeds": [0, 1, 2]}
    (folder / "about.json").write_text(json.dumps(about))
    seconds = {"train@a": 60, "evaluate@a": 30, "distill@a": 12}
    noted = {name: provenance.Record(value, "", "", {}, "cpu") for name, value in seconds.items()}
    assert publish.seconds_of_a_run(tmp_path, noted) == {"a": 60 / 6 + 42 / 3}  # 4 tried, then 2 further runs
    (folder / "about.json").unlink()
    for split in range(2):
        (folder / f"split_{split}").mkdir()
        (folder / f"split_{split}/about.json").write_text(json.dumps(about | {"refit": True}))
    assert publish.seconds_of_a_run(tmp_path, noted) == {"a": 60 / (2 * (4 + 3)) + 42 / 6}


def test_results_without_a_record_of_what_they_were_made_of_are_stale(tmp_path):
    (tmp_path / "studies/old/tables").mkdir(parents=True)
    assert studies.state(tmp_path, "old") == "stale"


STAGE = {"deps": [{"path": "data/plan/train/hard.json", "md5": "a" * 32}], "outs": [{"path": "models/students/hard"}]}


@pytest.mark.parametrize(("plan", "counts"), [("a" * 32, True), ("b" * 32, False), (None, False)])
def test_a_record_of_another_run_does_not_count(tmp_path, plan, counts):
    record(tmp_path / "models/students/hard", plan)
    assert ("train@hard" in provenance.records(tmp_path, {"train@hard": STAGE})) == counts


def test_another_machine_is_not_called_this_one(tmp_path):
    record(tmp_path / "models/students/hard", "a" * 32)
    assert provenance.processor() in provenance.hardware(provenance.records(tmp_path, {"train@hard": STAGE}).values())
    record(tmp_path / "models/students/hard", "a" * 32, host="elsewhere")
    found = provenance.records(tmp_path, {"train@hard": STAGE})
    assert provenance.hardware(found.values()).startswith("not recorded: another machine")
    assert provenance.hardware([]) == provenance.versions([]) == provenance.time_taken({}) == "not recorded"
