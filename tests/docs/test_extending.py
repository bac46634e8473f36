"""docs/extending.md: all worked examples, put into one copy of the project, tested and run."""

import shutil
import sys

import numpy as np
import pytest
import yaml

from softcifar.pipeline.fingerprint import Code
from tests.conftest import ROOT, Workspace, study_file
from tests.docs.examples import examples, merged, put

EXAMPLES = examples(ROOT / "docs/extending.md")
REGISTERED = {
    "A label source": "labels",
    "A loss": "losses",
    "A network": "models",
    "An augmentation": "augment",
    "A corruption": "corruptions",
    "An attack": "attacks",
    "A novelty score": "scores",
    "A calibrator": "calibrators",
    "An uncertainty method": "methods",
    "An acquisition strategy": "acquisition",
    "A data set": "data",
}
# The other kinds, with the existing files that one of them touches.
OTHERS = {
    "A metric": {"softcifar/report/chapters/calibration/quality.py"},
    "A claim": {"softcifar/report/chapters/claims/__init__.py"},
    "A figure": {"softcifar/report/chapters/calibration/__init__.py"},
    "A chapter": {"softcifar/report/chapters/__init__.py"},
    "A stage": {"dvc.yaml", "softcifar/pipeline/plan.py"},
    "A key of params.yaml": {"softcifar/params/recipe.py", "softcifar/training/loop.py"},
}
# One student that uses everything at once: what each alone would show, for the price of one network.
TOGETHER = {
    "network": {"name": "thumbnail", "side": 4},
    "labels": "sharp",
    "loss": "squared_error",
    "augment": ["grey"],
    "method": "mirrored",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Workspace:
    """A copy of the project with every example in it, and a small study that uses them."""
    study = yaml.safe_load(study_file("smoke").read_text())
    workspace = Workspace.create(tmp_path_factory.mktemp("extended") / "project", study)
    for path in (ROOT / "tests", ROOT / "pyproject.toml", study_file("smoke")):  # what tests need
        copied = workspace.folder / path.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if path.is_dir() else shutil.copyfile
        copy(path, copied)
    for example in EXAMPLES.values():
        put(example, workspace.folder)
        for part in example.params:
            study = merged(study, part)
    study["datasets"]["shapes"] |= {"train": 120, "test": 40}
    study["data"]["sizes"] = {"train": 80, "validation": 40, "test": 40}
    study["seeds"]["runs"] = 1
    study["students"]["together"] = TOGETHER
    del study["surrogates"]
    workspace.set_params(study)
    return workspace


def run_tests(project: Workspace, files: list[str]) -> None:
    project.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--basetemp", str(project.folder / "tmp"), *files)


def test_every_kind_of_thing_has_its_example():
    assert set(EXAMPLES) == {*REGISTERED, *OTHERS}


@pytest.mark.parametrize("title", REGISTERED)
def test_one_is_its_own_file_a_line_in_the_registry_and_a_test(title):
    package, example = REGISTERED[title], EXAMPLES[title]
    own, test = example.files
    assert own.startswith(f"softcifar/{package}/")
    assert test.startswith(f"tests/{package}/test_")
    assert example.touched == {own, test, f"softcifar/{package}/__init__.py"}
    ((_, _, lines),) = example.lines
    assert len([line for line in lines.splitlines() if line and not line.startswith("from ")]) == 1


def test_adding_one_changes_the_code_of_no_other_student(tmp_path):
    chosen = [("network", "resnet"), ("loss", "cross_entropy"), ("method", "softmax"), ("augmentation", "crop_flip")]
    stages = {f"stages.{stage}": chosen for stage in ("train", "teach", "evaluate")} | {
        "stages.prepare": [],
        "stages.soften": [],
    }
    copy = tmp_path / "project"
    for name in ("softcifar", "stages", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for title in (*REGISTERED, "A metric", "A claim", "A figure", "A chapter"):
        put(EXAMPLES[title], copy)
    before, after = Code(ROOT), Code(copy)
    assert {stage: after.of(stage, methods) for stage, methods in stages.items()} == {
        stage: before.of(stage, methods) for stage, methods in stages.items()
    }


@pytest.mark.parametrize("title", OTHERS)
def test_the_others_touch_no_more_than_they_must(title):
    example = EXAMPLES[title]
    tests = [file for file in example.files if file.startswith("tests/")]
    assert len(tests) == 1
    assert example.touched - set(example.files) == OTHERS[title]
    assert not any(file.startswith("studies/") for file in example.touched)


@pytest.mark.parametrize("title", ["A metric", "A claim", "A figure"])
def test_what_the_report_shows_is_one_file_and_one_line(title):
    example = EXAMPLES[title]
    assert len(example.files) == 2  # its own and its test
    entries = [line for _, _, lines in example.lines for line in lines.splitlines() if line and not line.startswith("from ")]
    assert len(entries) + len(example.changes) == 1


def test_a_chapter_is_its_folder_and_one_line():
    own = [file for file in EXAMPLES["A chapter"].files if not file.startswith("tests/")]
    assert {file.rsplit("/", 1)[0] for file in own} == {"softcifar/report/chapters/confusion"}
    ((_, _, lines),) = EXAMPLES["A chapter"].lines
    assert len([line for line in lines.splitlines() if line and not line.startswith("from ")]) == 1


def test_a_stage_is_a_script_and_a_package():
    folders = {file.rsplit("/", 1)[0] for file in EXAMPLES["A stage"].files}
    assert folders == {"softcifar/duplicates", "stages", "tests/duplicates"}


def _tests(*, of_report: bool) -> list[str]:
    """The tests of those examples that do, or do not, show something in the report."""
    return [
        file
        for example in EXAMPLES.values()
        if any(each.startswith("softcifar/report/") for each in example.touched) == of_report
        for file in example.files
        if file.startswith("tests/")
    ]


def test_the_tests_of_the_examples_pass(project):
    run_tests(project, _tests(of_report=False))


@pytest.mark.slow
def test_the_tests_of_the_examples_in_the_report_pass(project):
    run_tests(project, _tests(of_report=True))


@pytest.mark.slow
def test_a_student_that_uses_them_all_is_trained_and_evaluated(project):
    study = yaml.safe_load((project.folder / "params.yaml").read_text())
    download = (("download", name) for name in study["datasets"])
    of_student = (("soften", "sharp"), ("train", "together"), ("evaluate", "together"))
    project.stages(("plan",), *download, ("prepare",), ("duplicates",), *of_student)
    assert {path.stem for path in (project.folder / "data/plan/train").iterdir()} == set(study["students"])
    duplicates = yaml.safe_load((project.folder / "dvc.yaml").read_text())["stages"]["duplicates"]
    assert all((project.folder / file).exists() for file in (*duplicates["deps"], *duplicates["outs"]))
    scores = project.folder / "scores/students/together"
    with np.load(scores / "logits.npz") as logits:
        assert logits["ood_stripes"].shape == (1, 2, 60, 10)  # runs, the image and its mirror image, images, classes
    with np.load(scores / "novelty.npz") as novelty:
        assert "mirror" in novelty["names"]
    with np.load(scores / "adversarial.npz") as adversarial:
        assert adversarial["uniform_noise_log_probs"].shape == (1, 2, 20, 10)  # runs, radii with 0, images, classes
    with np.load(scores / "shifts.npz") as shifts:
        assert "posterise" in shifts["shift"]
