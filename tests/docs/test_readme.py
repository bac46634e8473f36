"""The README's one worked example is the one of docs/extending.md, which is tested; its commands do what it says."""

import re
import shlex
import shutil

import pytest
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides

from softcifar.params.study import load
from tests.conftest import ROOT, study_file
from tests.docs.examples import examples


def test_its_example_is_one_of_those_that_are_tested():
    (short,) = examples(ROOT / "README.md").values()
    whole = examples(ROOT / "docs/extending.md")["A label source"]
    assert short.files
    assert short.files.items() <= whole.files.items()
    assert (short.lines, short.params) == (whole.lines, whole.params)


def commands(start: str) -> list[list[str]]:
    """The README's command lines that begin so, in words, without their comments."""
    lines = re.findall(rf"^{re.escape(start)}.*", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("command", commands("dvc exp run -S"), ids=lambda words: words[-1])
def test_its_experiments_change_valid_params(command, tmp_path):
    path = tmp_path / "params.yaml"
    shutil.copyfile(study_file("shapes"), path)
    before = load(path)
    apply_overrides(path, command[command.index("-S") + 1 :])
    assert load(path).students != before.students


def test_its_table_of_experiments_leaves_accuracy_nll_and_params():
    (command,) = commands("dvc exp show")
    drop = re.compile(command[command.index("--drop") + 1])
    shown = ["hard.accuracy", "hard.nll", "students.relaxed.loss.alpha", "students.gentle.lr", "Created"]
    metrics = ["hard.auroc_far", "hard.ece_scaled", "hard.exact_cross_entropy", "hard.fgsm_8", "hard.human_cross_entropy"]
    files = ["data/plan/train/hard.json", "models/students/hard", "softcifar"]
    assert [name for name in (*shown, *metrics, *files) if not drop.match(name)] == shown  # as DVC matches


def test_its_first_command_is_the_quick_look():
    assert commands("make repro")[0] == ["make", "repro", "STUDY=smoke"]


def test_the_page_of_dvc_plots_is_ours_and_has_the_places_that_dvc_fills():
    with Repo(ROOT) as repo:
        page = (ROOT / ".dvc" / repo.config["plots"]["html_template"]).read_text()
    assert [page.count(f"{{{name}}}") for name in ("scripts", "plot_divs", "refresh_tag")] == [1, 1, 1]
    assert 'img[src$=".png"] { zoom: .6; }' in page  # 96 CSS pixels an inch, of 160
