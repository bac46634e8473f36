"""The report promises: its numbers are the metrics', what is removed is gone, same input gives the same bytes."""

import copy
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from softcifar import metrics
from softcifar.calibrators.temperature import fit_temperature
from softcifar.errors import UserError
from softcifar.report.chapters.summary.bound import bound
from softcifar.scores.predictive_entropy import predictive_entropy
from tests.report.fixture import STUDENTS, make_study, read, row, study_of, write
from tests.report.page import Page


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


DECISIONS = {"selective", "selective_scores", "sets", "sets_by_class", "sets_by_student"}  # tables of that chapter

# Numbers


@pytest.mark.parametrize("student", ["hard", "sampling"])
def test_summary_holds_the_means_and_errors_of_the_metrics(study, student):
    root, _ = study
    logits = np.load(root / "scores" / "students" / student / "logits.npz")
    labels = np.load(root / "data" / "study" / "test.npz")["labels"]
    validation = np.load(root / "data" / "study" / "validation.npz")["labels"]
    probs = metrics.predictive(logits["test"])
    nll = [metrics.negative_log_likelihood(run, labels) for run in probs]
    found = row(pd.read_csv(root / "reports" / "tables" / "summary.csv"), student=student, kind="run")
    assert found["n"] == 3
    assert found["nll"] == pytest.approx(np.mean(nll), rel=1e-12)
    assert found["nll_se"] == pytest.approx(np.std(nll, ddof=1) / np.sqrt(3), rel=1e-9)
    assert found["ece"] == pytest.approx(
        np.mean([metrics.expected_calibration_error(run, labels, bins=10) for run in probs]), rel=1e-12
    )
    scaled = [
        metrics.predictive(test, fit_temperature(fit, validation))
        for test, fit in zip(logits["test"], logits["validation"], strict=True)
    ]
    assert found["ece_scaled"] == pytest.approx(
        np.mean([metrics.expected_calibration_error(run, labels, bins=10) for run in scaled]), rel=1e-12
    )
    entropy = predictive_entropy
    near = [metrics.auroc(a, b) for a, b in zip(entropy(logits["test"]), entropy(logits["ood_rings"]), strict=True)]
    assert found["auroc_near"] == pytest.approx(np.mean(near), rel=1e-12)


def test_the_summary_says_what_no_classifier_can_beat(study):
    root, _ = study
    test = np.load(root / "data" / "study" / "test.npz")
    rows, exact, labels = np.arange(len(test["labels"])), test["exact"], test["labels"]
    said = (root / "reports" / "tables" / "summary.md").read_text()
    drawn = 100 * (exact.argmax(axis=1) == labels).mean(), -np.log(exact[rows, labels]).mean()
    expected = 100 * exact.max(axis=1).mean(), -(exact * np.log(np.maximum(exact, 1e-300))).sum(axis=1).mean()
    for right, nll in (drawn, expected):
        assert f" {right:.1f} % and" in said
        assert f"{nll:.3f}".removeprefix("0") in said
    assert said.index("no classifier can expect to beat") < said.index("Bold: ")
    results = read(*study)
    del results.part("test")["exact"]
    assert bound(results) == ""


def test_ensemble_is_the_mean_probability_over_runs(study):
    root, _ = study
    logits = np.load(root / "scores" / "students" / "sampling" / "logits.npz")["test"]
    test = np.load(root / "data" / "study" / "test.npz")
    probs = metrics.predictive(logits).mean(0)
    found = row(pd.read_csv(root / "reports" / "tables" / "summary.csv"), student="sampling", kind="ensemble")
    assert found["n"] == 1
    assert found["accuracy"] == pytest.approx(metrics.accuracy(probs, test["labels"]), rel=1e-12)
    assert found["human_cross_entropy"] == pytest.approx(metrics.human_cross_entropy(probs, test["votes"] / 51))
    assert found["exact_cross_entropy"] == pytest.approx(metrics.human_cross_entropy(probs, test["exact"]))
    assert np.isnan(found["nll_se"])
    assert np.isnan(found["fgsm_2"])  # the attack knew one network only


def test_mutual_information_only_where_there_are_samples(study):
    root, _ = study
    table = pd.read_csv(root / "reports" / "tables" / "novelty.csv")
    disagreement = table[table["score"] == "mutual_information"]
    assert set(disagreement[disagreement["kind"] == "run"]["student"]) == {"sampling"}
    assert set(disagreement[disagreement["kind"] == "ensemble"]["student"]) == set(STUDENTS)
    assert set(table["set"]) == {"rings", "noise", "near", "far"}


def test_near_is_the_mean_over_the_near_sets(study):
    root, params = study
    both = copy.deepcopy(params)
    both["data"]["ood"] = {"rings": "near", "noise": "near"}
    results = read(root, both)
    table = study_of(results).numbers.query("student == 'hard'")
    runs = table[(table["kind"] == "run") & (table["metric"] == "fpr95") & (table["score"] == "energy")]
    values = runs.pivot(index="seed", columns="set", values="value")
    assert np.allclose(values["near"], (values["rings"] + values["noise"]) / 2)
    assert "far" not in values


def test_fgsm_accuracy_uses_the_attacked_images_only(study):
    root, _ = study
    attack = np.load(root / "scores/students/human" / "adversarial.npz")
    labels = np.load(root / "data" / "study" / "test.npz")["labels"][:100]
    place = list(attack["fgsm_eps_255"]).index(2)
    expected = np.mean([(run[place].argmax(1) == labels).mean() for run in attack["fgsm_log_probs"]])
    values = json.loads((root / "reports" / "metrics.json").read_text())
    assert values["human"]["fgsm_2"] == pytest.approx(expected, abs=1e-6)
    assert row(pd.read_csv(root / "reports" / "tables" / "adversarial.csv"), student="human")["fgsm_2"] == expected


def test_metrics_json_is_small_and_finite(study):
    values = json.loads((study[0] / "reports" / "metrics.json").read_text())
    assert list(values) == sorted(STUDENTS)
    for found in values.values():
        assert 5 <= len(found) <= 12
        assert all(np.isfinite(value) for value in found.values())


# What is removed is gone, what is missing is named


def test_a_removed_student_leaves_no_trace(study, tmp_path):
    root, params = study
    shutil.copytree(root, tmp_path / "copy")
    fewer = copy.deepcopy(params)
    del fewer["students"]["sampling"]  # its scores stay in the folder
    reports = write(tmp_path / "copy", fewer)
    written = files(reports)
    for name, content in written.items():
        if not name.endswith((".png", ".svg")):
            assert b"sampling" not in content, name
    before = files(root / "reports")
    for name in ("figures/attack.svg", "figures/reliability.svg", "figures/entropies.png", "figures/differences.svg"):
        assert written[name] != before[name]


def test_a_study_without_votes_ood_and_spread_has_a_report(tmp_path):
    """One run, one student, hard labels only: no test, no agreement, no novelty, and no error."""
    params = make_study(tmp_path, students={"hard": (1, 1, 1)}, runs=1, images=60)
    for split in ("train", "validation", "test"):
        path = tmp_path / "data" / "study" / f"{split}.npz"
        arrays = dict(np.load(path))
        np.savez(path, **{name: arrays[name] for name in ("images", "labels", "index")})
    params["data"]["ood"] = {}
    reports = write(tmp_path, params)
    names = {"findings", "summary", "calibration", "adversarial", "corruption", "shift_uncertainty", "structure", "teachers"}
    names |= {"teaching", "kept_epoch", "calibrators", "calibrators_by_student", *DECISIONS}
    assert {path.stem for path in (reports / "tables").glob("*.csv")} == names
    assert not (reports / "figures" / "roc.svg").exists()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root, params: shutil.rmtree(root / "scores/students/smooth"), "student 'smooth'"),
        (
            lambda root, params: (root / "scores/students/smooth" / "adversarial.npz").unlink(),
            "smooth/adversarial.npz: not found",
        ),
        (lambda root, params: (root / "scores/students/smooth" / "history.csv").unlink(), "smooth/history.csv: not found"),
        (lambda root, params: (root / "data" / "labels" / "human.npz").unlink(), "labels/human.npz: not found"),
        (lambda root, params: params["report"].update(reference="hrad"), "did you mean 'hard'"),
        (lambda root, params: params["data"]["ood"].update(svhn="far"), "svhn"),
        (lambda root, params: shorten(root / "scores/students/smooth" / "logits.npz", "test"), "'test' has shape"),
        (lambda root, params: shorten(root / "scores/students/smooth" / "shifts.npz", "log_probs"), "'log_probs' has shape"),
        (
            lambda root, params: shorten(root / "scores/students/smooth" / "adversarial.npz", "pgd_log_probs"),
            "'pgd_log_probs' has",
        ),
        (lambda root, params: shuffle(root / "data" / "labels" / "hard.npz"), "not those of train.npz"),
        (lambda root, params: shutil.rmtree(root / "models"), "teachers/crossfitted/logits.npz: not found"),
        (lambda root, params: shuffle(root / "models" / "teachers" / "insample" / "logits.npz"), "teacher 'insample'"),
        (lambda root, params: params["distillation"]["students"].append("human"), "shallow/human/logits.npz: not found"),
        (lambda root, params: shorten(root / "scores" / "shallow" / "hard" / "logits.npz", "test"), "its teacher 'hard'"),
    ],
)
def test_what_is_missing_or_unfit_is_named(study, tmp_path, damage, words):
    root = tmp_path / "copy"
    shutil.copytree(study[0], root)
    params = copy.deepcopy(study[1])
    before = files(root / "reports")
    damage(root, params)
    with pytest.raises(UserError, match=re.escape(words)) as error:
        write(root, params)
    assert str(error.value).count("\n") == 0
    assert files(root / "reports") == before


def shorten(path: Path, name: str) -> None:
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {name: arrays[name][:, :, :-1]})


def shuffle(path: Path) -> None:
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {"index": arrays["index"][::-1]})


# Files


def test_same_input_same_bytes_in_another_process(study, tmp_path):
    """A fresh process has another hash seed; a copy elsewhere would show a path that slipped into an output. It works
    alone, while the first report was written by a process per core."""
    root, params = study
    code = (
        "import json, sys; from softcifar.report import write_report; from pathlib import Path; r = Path(sys.argv[1]);"
        "write_report(json.loads(sys.argv[2]), data=r / 'data', scores=r / 'scores', models=r / 'models', reports=sys.argv[3])"
    )
    command, alone = [sys.executable, "-c", code, str(root), json.dumps(params), str(tmp_path)], {"SOFTCIFAR_WORKERS": "1"}
    subprocess.run(command, check=True, env=os.environ | alone)
    first, second = files(root / "reports"), files(tmp_path)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert not [name for name, content in first.items() if str(root).encode() in content]


def test_the_report_does_not_import_torch():
    code = "import sys, softcifar.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tables_parse_in_all_three_forms(study):
    folder = study[0] / "reports" / "tables"
    names = {"summary", "calibration", "agreement", "novelty", "adversarial", "comparisons", "findings"}
    names |= {"own_scores", "openood", "two_kinds", "structure", "teaching", "teachers", "tuning", "claims", "methods"}
    names |= {"advice", "advice_costs", "advice_sources"}
    names |= {"corruption", "shift_uncertainty", "kept_epoch", "calibrators", "calibrators_by_student", *DECISIONS}
    assert {path.stem for path in folder.iterdir()} == names
    for name in names:
        frame = pd.read_csv(folder / f"{name}.csv")
        assert len(frame) > 0
        lines = [line for line in (folder / f"{name}.md").read_text().splitlines() if line.startswith("|")]
        parsed = pd.read_csv(io.StringIO("\n".join([lines[0], *lines[2:]])), sep="|").iloc[:, 1:-1]
        assert len(parsed) == len(frame)
        tex = (folder / f"{name}.tex").read_text()
        body = tex[tex.index(r"\midrule") : tex.index(r"\bottomrule")].splitlines()[1:]
        assert len(body) == len(frame)
        assert {line.count(" & ") for line in body} == {len(parsed.columns) - 1}
        assert not re.search(r"(?<!\\)[%_#]", "\n".join(body))
        assert tex.isascii()


def test_plots_are_long_tables(study):
    folder = study[0] / "reports" / "plots"
    curves = pd.read_csv(folder / "learning_curves.csv")
    assert list(curves["student"].unique()) == list(STUDENTS)
    assert len(curves) == len(STUDENTS) * 3 * 12
    assert set(pd.read_csv(folder / "fgsm.csv")["strength"]) >= {"0/255", "8/255"}
    bins = pd.read_csv(folder / "reliability.csv")
    assert (bins.groupby(["student", "scaling"])["images"].sum() == 3 * 200).all()


def test_page_is_self_contained_and_described(study):
    text = (study[0] / "reports" / "index.html").read_text()
    assert "http" not in re.sub(r"http://www\.w3\.org/[\w/]+", "", text)  # names of SVG's vocabulary, which nothing fetches
    tags = Page(text).tags
    images = [attrs for tag, attrs in tags if tag == "img"]
    sources = [attrs["srcset"] for tag, attrs in tags if tag == "source"] + [attrs["src"] for attrs in images]
    assert len(sources) == len(list((study[0] / "reports" / "figures").iterdir())) == 26  # one has a narrow layout as well
    assert all(each.startswith("data:image/") for each in sources)
    for attrs in images:
        assert len(attrs["alt"]) > 40
    for tag, attrs in tags:
        if tag != "img":
            assert not (attrs.get("src") or attrs.get("href", "#")).startswith(("/", ".", "file"))
    targets = {attrs["id"] for _, attrs in tags if "id" in attrs}
    assert all(attrs["href"][1:] in targets for tag, attrs in tags if tag == "a")
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_names_cannot_break_the_page(tmp_path):
    """A class called <script> is text, and a long student name does not widen its panel."""
    params = make_study(tmp_path, students={"hard": (1, 1, 1), "a-student-with-a-name-beyond-all-reason": (1, 1, 1)})
    manifest = tmp_path / "data" / "study" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["classes"][0] = "<script>alert(1)</script>"
    manifest.write_text(json.dumps(content))
    text = (write(tmp_path, params) / "index.html").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
