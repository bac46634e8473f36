"""The plan: what changes a stage's fingerprint, and what does not."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from softcifar.losses import cross_entropy, label_relaxation
from softcifar.params import study as params
from softcifar.pipeline.fingerprint import EXEMPT, REGISTRIES, code, exempt
from softcifar.pipeline.plan import entries

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def plan(write_params):
    return lambda changes: entries(params.load(write_params(changes)), ROOT)


def changed(before: dict, after: dict) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"students.hard.lr": 0.2}, {"train/hard.json", "report.json"}),
        ({"students.instance.method": {"name": "mc_dropout"}}, {"evaluate/instance.json", "report.json"}),
        ({"students.hard.method": {"name": "mc_dropout"}}, {"surrogate/hard.json", "evaluate/hard.json", "report.json"}),
        ({"labels.instance.epsilon": 0.2}, {"soften/instance.json", "report.json"}),
        ({"teachers.resnet8.folds": 3}, {"teach/resnet8.json", "report.json"}),
        ({"evaluation.shifts.images": 20}, {"evaluate/hard.json", "evaluate/instance.json", "report.json"}),
        ({"evaluation.attacks.random_search_queries": 2}, {"evaluate/hard.json", "evaluate/instance.json", "report.json"}),
        ({"evaluation.attacks.pgd_steps": 2}, {"surrogate/hard.json", "evaluate/hard.json", "evaluate/instance.json",
                                               "report.json"}),
        ({"surrogates": ["instance"]}, {"surrogate/hard.json", "surrogate/instance.json", "evaluate/hard.json",
                                        "evaluate/instance.json", "report.json"}),
        ({"report.bins": 10}, {"report.json"}),
        ({"datasets.noise.count": 50}, {"download/noise.json", "report.json"}),
        ({"data.split_seed": 1}, {"prepare.json", "teach/resnet8.json", "report.json"}),
        ({"seeds.runs": 3}, {"train/hard.json", "train/instance.json", "evaluate/hard.json", "evaluate/instance.json",
                             "distill/hard.json", "report.json"}),
        ({"seeds.search": 2}, {"train/hard.json", "train/instance.json", "report.json"}),
        ({"distillation.alpha": 0.5}, {"distill/hard.json", "report.json"}),
        ({"labels.instance.epsilon": [0.1, 0.2]}, {"soften/instance.json", "train/instance.json", "report.json"}),
        ({"labels.hard": {"source": "soft_bootstrapping"}}, {"soften/hard.json", "train/hard.json", "report.json"}),
        ({"students.instance.choose_by": "ece"}, {"train/instance.json", "report.json"}),
        ({"students.more": {"labels": "hard"}}, {"train/more.json", "evaluate/more.json", "report.json"}),
    ],
)  # fmt: skip
def test_a_changed_key_changes_what_uses_it(plan, changes, expected):
    assert changed(plan({}), plan(changes)) == expected


BOTH = {"simulate/cross_fitted.json", "simulate/in_sample.json", "report.json"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"simulations.cross_fitted.folds": 3}, {"simulate/cross_fitted.json", "report.json"}),
        ({"simulations.in_sample.methods.beta.concentration": 3}, {"simulate/in_sample.json", "report.json"}),
        ({"simulations.in_sample.patience": 3}, {"simulate/in_sample.json", "report.json"}),
        ({"simulations.more": {"patience": 1, "folds": 1, "methods": {"none": {"source": "hard"}}}},
         {"simulate/more.json", "report.json"}),
        ({"recipe.lr": 0.5}, BOTH),
        ({"recipe.choose_by": "ece"}, BOTH),
        ({"seeds.init": 1}, BOTH),
        ({"seeds.search": 2}, {"report.json"}),
        ({"report.bins": 10}, BOTH),  # of the calibration errors that may choose
        ({"report.reference": "smoothing"}, {"report.json"}),
        ({"data.split_seed": 1}, BOTH | {"prepare.json"}),
        ({"datasets.gaussians.turn": 70.0}, {"download/gaussians.json", "report.json"}),
    ],
)  # fmt: skip
def test_a_changed_key_of_a_simulation_changes_what_uses_it(write_simulations, changes, expected):
    before, after = (entries(params.load(write_simulations(some)), ROOT) for some in ({}, changes))
    assert changed(before, after) == expected


def test_a_simulation_is_made_by_the_sources_of_its_methods(write_simulations):
    plan = entries(params.load(write_simulations({"simulations.in_sample.methods.beta": None})), ROOT)
    crossed, seen = (plan[f"simulate/{name}.json"]["code"].keys() for name in ("cross_fitted", "in_sample"))
    assert crossed - seen == {"softcifar/labels/beta_smoothing.py"}
    assert {"stages/simulate.py", "softcifar/simulation/training.py", "softcifar/training/adam.py",
            "softcifar/labels/adaptive_mass.py", "softcifar/metrics/calibration.py"} <= seen  # fmt: skip
    assert not any(name.startswith(("softcifar/report/", "softcifar/losses/")) for name in seen)


@pytest.mark.parametrize("preset", sorted((ROOT / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_preset_has_a_plan(preset):
    assert {"prepare.json", "report.json"} <= entries(params.load(preset), ROOT).keys()


@pytest.mark.parametrize(
    "stage",
    ["download", "prepare", "teach", "soften", "train", "distill", "simulate", "surrogate", "illustrate", "evaluate", "report"],
)
def test_nothing_that_a_stage_imports_is_missing_from_its_fingerprint(stage):
    """Against the interpreter's own list. Methods are loaded by their registries, whichever the params choose."""
    loaded = "[m.__file__ for n, m in sys.modules.items() if n.startswith('softcifar.') and m.__file__]"
    command = f"import json, sys, stages.{stage}; print(json.dumps({loaded}))"
    out = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {str(Path(file).relative_to(ROOT)) for file in json.loads(out)}
    packages = {*REGISTRIES, "softcifar.metrics"}  # its __init__ re-exports all metrics, used or not
    methods = tuple(f"{package.replace('.', '/')}/" for package in packages)
    needed = {name for name in names if not name.startswith(methods) and not name.endswith("__init__.py")}
    needed = {name for name in needed if not exempt(name.removesuffix(".py").replace("/", "."))}
    assert names
    # What only an exempt module asks for (params looks methods up, to check them) decides no result either.
    asked = {"softcifar/training/tuning.py"}
    assert needed - code(ROOT, f"stages/{stage}.py").keys() <= asked


def test_a_recipe_key_reaches_those_that_do_not_override_it(plan):
    before = plan({"students.hard.lr": 0.3})
    after = plan({"students.hard.lr": 0.3, "recipe.lr": 0.2})
    assert changed(before, after) == {"train/instance.json", "teach/resnet8.json", "distill/hard.json", "report.json"}


def test_code_is_the_script_its_imports_and_the_chosen_methods():
    found = code(ROOT, "stages/train.py", [cross_entropy])
    assert {"stages/train.py", "softcifar/training/loop.py", "softcifar/losses/cross_entropy.py",
            "softcifar/losses/targets.py", "softcifar/metrics/likelihood.py"} <= found.keys()  # fmt: skip
    assert "softcifar/losses/label_relaxation.py" not in found
    assert not any(name.startswith("softcifar/report/") for name in found)
    assert code(ROOT, "stages/train.py", [label_relaxation]).keys() - found.keys() == {"softcifar/losses/label_relaxation.py"}
    report = code(ROOT, "stages/report.py")
    assert {"softcifar/report/page.py", "softcifar/metrics/calibration.py"} <= report.keys()
    assert any(name.startswith("softcifar/report/templates/") for name in report)
    assert not any(name.startswith("softcifar/training/") for name in report)


def test_an_evaluation_is_made_by_the_corruptions_that_the_params_name(plan):
    found = plan({"evaluation.shifts.corruptions": ["contrast", "fog"]})
    code_of = {name: found[f"{name}.json"]["code"].keys() for name in ("evaluate/hard", "surrogate/hard", "train/hard")}
    assert {"softcifar/corruptions/colour.py", "softcifar/corruptions/fog.py", "softcifar/corruptions/cover.py",
            "softcifar/attacks/pgd.py", "softcifar/shifts.py"} <= code_of["evaluate/hard"]  # fmt: skip
    assert "softcifar/corruptions/jpeg.py" not in code_of["evaluate/hard"]
    assert "softcifar/attacks/pgd.py" in code_of["surrogate/hard"]
    assert not any("corruptions" in name for name in code_of["surrogate/hard"])
    assert not any("corruptions" in name or "attacks" in name for name in code_of["train/hard"])


def test_an_edited_file_changes_the_fingerprint(tmp_path):
    shutil.copytree(ROOT / "softcifar", tmp_path / "softcifar")
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    before = code(tmp_path, "stages/train.py")
    for file, counts in (("training/schedules.py", True), ("report/page.py", False), ("losses/__init__.py", False)):
        with open(tmp_path / "softcifar" / file, "a") as source:
            source.write("# edited\n")
        after = code(tmp_path, "stages/train.py")
        assert (after != before) == counts, file
        before = after


def test_registries_only_name_methods():
    """They are left out of fingerprints, so nothing that computes may live in them."""
    for package in REGISTRIES:
        tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text())
        for node in tree.body:
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            table = isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict | ast.List)
            assert docstring or table or isinstance(node, ast.ImportFrom), f"{package}: line {node.lineno}"


def test_what_is_left_out_of_fingerprints_exists():
    for module in EXEMPT:
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), module


def test_the_library_knows_no_dvc():
    for path in (ROOT / "softcifar").rglob("*.py"):
        names = {alias.name for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.Import) for alias in node.names}  # fmt: skip
        assert "dvc" not in names, path
