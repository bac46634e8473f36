"""A study of two splits, stage by stage without DVC: every run keeps to its own split, from the teachers to the report."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from softcifar.data.splits import PARTS, load_inputs, load_split, load_targets, read_of_split
from softcifar.evaluation.adversarial import Target, attacked
from softcifar.files import read_json, read_npz
from softcifar.methods.prediction import predict_logits
from softcifar.metrics import predictive
from softcifar.models.classifier import PLAIN
from softcifar.params.chosen import Chosen
from softcifar.report.core.results import load
from softcifar.training import loop
from softcifar.training.state import load_state
from softcifar.training.trained import load_classifier
from stages import teach
from tests.conftest import Workspace, study_file
from tests.training.helpers import CPU

SPLITS, RUNS = 2, 4


def small() -> dict:
    study = yaml.safe_load(study_file("smoke").read_text())
    study["seeds"]["runs"] = RUNS
    study["datasets"]["shapes"] = {"source": "shapes", "train": 20, "test": 240}
    study["data"] |= {"protocol": "cifar10h", "splits": SPLITS, "sizes": {"train": None, "validation": 40, "test": None}}
    study["recipe"] |= {"network": "lenet", "batch_size": 16, "lr": 0.02}
    study["teachers"] = {"lenet": {"folds": 2}}
    study["labels"] = {
        "hard": {"source": "hard"},
        "human": {"source": "human"},
        "taught": {"source": "teacher", "teacher": "lenet"},
    }
    study["students"] = {
        "hard": {"labels": "hard", "epochs": 2},
        "taught": {"labels": "taught", "lr": [0.02, 0.0001]},
        "human": {"labels": "human"},
    }
    study["evaluation"]["attacks"] = {
        name: {**options, "images": 20} for name, options in study["evaluation"]["attacks"].items()
    }
    return study


def commands(study: dict, *stages: str) -> list[tuple[str, ...]]:
    sections = {"download": "datasets", "teach": "teachers", "soften": "labels", "surrogate": "surrogates"}
    items = {stage: study[section] for stage, section in sections.items()} | {"distill": study["distillation"]["students"]}
    items |= {"train": study["students"], "evaluate": study["students"], "illustrate": study["illustrations"]}
    return [(stage, name) if stage in items else (stage,) for stage in stages for name in items.get(stage, [""])]


@pytest.fixture(scope="module")
def taught(made_once) -> Workspace:
    """The study as far as its soft labels; tests work on copies of it, or only read."""

    def make(folder):
        study = small()
        Workspace.create(folder, study).stages(*commands(study, "plan", "download", "prepare", "teach", "soften"))

    return Workspace(made_once("splits_taught", make))


@pytest.fixture(scope="module")
def finished(made_once, taught) -> Workspace:
    """The study to its report; only to be read."""

    def make(folder):
        study = small()
        taught.copy(folder).stages(*commands(study, "train", "surrogate", "evaluate", "distill", "illustrate", "report"))

    return Workspace(made_once("splits_finished", make))


def parts(workspace: Workspace, split: int) -> dict:
    return {part: load_split(workspace.folder / "data/study", part, split) for part in PARTS}


def pixels(images: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in images}


def test_every_image_is_tested_once_and_a_splits_parts_share_none(taught):
    tests = [parts(taught, split)["test"].index for split in range(SPLITS)]
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(240))
    for split in range(SPLITS):
        sets = [pixels(part.images) for part in parts(taught, split).values()]
        assert [len(each) for each in sets] == [80, 40, 120]
        assert len(set.union(*sets)) == 240


def test_teachers_never_see_the_images_that_they_label(taught, tmp_path, monkeypatch):
    """Nor any validation or test image of the split."""
    monkeypatch.chdir(taught.copy(tmp_path / "copy").folder)
    monkeypatch.setattr(sys, "argv", ["teach", "lenet"])
    seen, original = [], loop.train
    monkeypatch.setattr("softcifar.training.crossfit.train", lambda task, *a: seen.append(task) or original(task, *a))
    out = teach.main()
    assert len(seen) == SPLITS * 2
    for split in range(SPLITS):
        of_split = parts(taught, split)
        logits = read_npz(out / f"split_{split}/logits.npz")
        np.testing.assert_array_equal(logits["index"], of_split["train"].index)
        for fold, task in enumerate(seen[2 * split : 2 * split + 2]):
            learned = pixels(task.images)
            assert learned == pixels(of_split["train"].images[logits["fold"] != fold])
            for unseen in (of_split["train"].images[logits["fold"] == fold], *(of_split[part].images for part in PARTS[1:])):
                assert not learned & pixels(unseen)
        path = taught.folder / "data/labels/taught.npz"
        np.testing.assert_allclose(
            load_targets(path, of_split["train"], split)[0], predictive(logits["logits"][None]), atol=1e-6
        )


def test_labels_are_of_the_splits_own_images(taught):
    for split in range(SPLITS):
        train = parts(taught, split)["train"]
        human = load_targets(taught.folder / "data/labels/human.npz", train, split)[0]
        np.testing.assert_allclose(human, train.votes / train.votes.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.slow
def test_a_killed_stage_goes_on_in_the_split_where_it_was(taught, tmp_path):
    one, two = taught.copy(tmp_path / "one"), taught.copy(tmp_path / "two")
    one.stage("train", "hard")
    states = two.folder / ".state/runs"
    before = set(states.glob("*.safetensors"))

    def epochs() -> int:
        try:
            return sum(load_state(path).epoch for path in set(states.glob("*.safetensors")) - before)
        except RuntimeError:  # a state was replaced by the next one while it was read
            return 0

    command = [sys.executable, "-m", "stages.train", "hard"]
    process = subprocess.Popen(command, cwd=two.folder, env=two.environment, stderr=subprocess.DEVNULL)
    deadline = time.time() + 120
    while epochs() < 7 and process.poll() is None and time.time() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # Of each split 2 runs of the initialisation that it chose and 1 of the other, 2 epochs each: in the second split.
    assert 7 <= epochs() < 12
    out = "models/students/hard"
    assert not (two.folder / out).exists()
    two.stage("train", "hard")
    files = {str(path.relative_to(one.folder)): path.read_bytes() for path in (one.folder / out).rglob("*") if path.is_file()}
    assert len(files) == SPLITS * (RUNS // SPLITS + 2)
    assert files == {
        str(path.relative_to(two.folder)): path.read_bytes() for path in (two.folder / out).rglob("*") if path.is_file()
    }
    assert not list((two.folder / "models/students").glob("*.part"))


@pytest.mark.slow
def test_more_runs_train_only_what_is_new(taught, tmp_path):
    workspace, study = taught.copy(tmp_path / "copy"), small()
    states = workspace.folder / ".state/runs"
    before = len(list(states.glob("*.safetensors")))
    for runs, trained in ((2, 4), (3, 5), (4, 6)):  # each split chooses between two initialisations
        study["seeds"]["runs"] = runs
        workspace.set_params(study)
        workspace.stages(("plan",), ("train", "hard"))
        assert len(list(states.glob("*.safetensors"))) == before + trained
        assert len(list((workspace.folder / "models/students/hard").rglob("run_*.safetensors"))) == runs


@pytest.fixture(scope="module")
def results(finished):
    folder = finished.folder
    params = read_json(folder / "data/plan/report.json")["params"]
    return load(params, data=folder / "data", scores=folder / "scores", models=folder / "models")


@pytest.mark.slow
def test_run_r_is_tested_on_split_r_modulo_k(finished, results):
    assert results.split_of_run == [0, 1, 0, 1]
    assert results.design.other_tests
    manifests = load_inputs(finished.folder / "data/study")
    for run, split in enumerate(results.split_of_run):
        folder = finished.folder / f"models/students/hard/split_{split}"
        network = load_classifier(folder / f"run_{run // SPLITS}.safetensors", Chosen(name="lenet"), manifests[split], CPU)
        for part in ("validation", "test"):
            images = parts(finished, split)[part].images
            np.testing.assert_array_equal(results.part(part, split)["images"], images)
            logits = predict_logits(network, images, PLAIN, batch_size=100, seed=0)
            np.testing.assert_allclose(results.students["hard"].logits[part][run], logits, atol=1e-4)


@pytest.mark.slow
def test_tables_compare_a_run_with_the_labels_of_its_split(finished, results):
    labels = [parts(finished, split)["test"].labels for split in results.split_of_run]
    tables = {
        name: pd.read_csv(finished.folder / f"reports/tables/{name}.csv") for name in ("summary", "teaching", "adversarial")
    }
    tables = {name: table.set_index("student") for name, table in tables.items()}

    def accuracies(logits: np.ndarray) -> np.ndarray:
        return np.array(
            [(of_run.mean(axis=0).argmax(axis=-1) == own).mean() for of_run, own in zip(logits, labels, strict=True)]
        )

    for name, student in results.students.items():
        own = accuracies(student.logits["test"])
        assert tables["summary"].loc[name, "n"] == RUNS
        assert tables["summary"].loc[name, "kind"] == "run"  # no ensemble
        assert tables["summary"].loc[name, "accuracy"] == pytest.approx(own.mean())
        assert tables["summary"].loc[name, "accuracy_se"] == pytest.approx(own.std(ddof=1) / np.sqrt(RUNS))
        fgsm = student.attacks["fgsm"]
        place = list(fgsm.eps).index(8)
        right = [(fgsm.log_probs[run, place].argmax(-1) == labels[run][fgsm.index]).mean() for run in range(RUNS)]
        assert tables["adversarial"].loc[name, "fgsm_8"] == pytest.approx(np.mean(right))
    assert tables["teaching"].loc["hard", "shallow_accuracy"] == pytest.approx(accuracies(results.shallow["hard"]).mean())


@pytest.mark.slow
def test_a_surrogate_attacks_the_test_images_of_each_split(finished, results):
    for split in range(SPLITS):
        made = read_of_split(finished.folder / "data/surrogates/hard.npz", split, "change", "index", "eps_255")
        test = parts(finished, split)["test"]
        manifest = load_inputs(finished.folder / "data/study")[split]
        path = finished.folder / f"models/students/hard/split_{split}/run_0.safetensors"
        target = Target(load_classifier(path, Chosen(name="lenet"), manifest, CPU), PLAIN)
        clean = np.moveaxis(test.images[made["index"]].astype(np.float32) / 255, 3, 1)
        changed = (clean + made["eps_255"][0] / 255 * made["change"][0] / 127).clip(0, 1).astype(np.float32)
        wanted = target.log_probs(torch.as_tensor(changed)).numpy()
        found = results.students["hard"].attacks["transfer_hard"].log_probs[split, 1]  # the surrogate meets its own examples
        np.testing.assert_allclose(found, wanted, atol=1e-3)
        assert made["index"].tolist() == attacked(120, [20]).tolist()


@pytest.mark.slow
def test_the_report_says_what_several_splits_are(finished, results):
    page = (finished.folder / "reports/index.html").read_text()
    assert "There are no rows of deep ensembles" in page
    assert "run r on split r modulo 2" in page
    assert "120 images in each of 2 splits" in page
    summary = (finished.folder / "reports/tables/summary.md").read_text()
    assert "one split with one set of teachers" not in summary
    tuning = pd.read_csv(finished.folder / "reports/tables/tuning.csv").set_index("student").loc["taught"]
    assert (tuning["search_runs"], tuning["networks"]) == (2, 2 * 2 + 2)
    for score in ("nll", "accuracy", "ece"):
        of_choice = [about["validation"][score][about["choice"]] for about in results.students["taught"].abouts]
        assert tuning[f"validation_{score}"] == pytest.approx(np.mean(of_choice))
    history = results.students["hard"].history
    assert sorted(history["seed"].unique()) == list(range(RUNS))
