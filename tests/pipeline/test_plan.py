"""The plan: what changes a stage's fingerprint, and what does not."""

import ast
from pathlib import Path

import pytest

from softcifar.params import study as params
from softcifar.pipeline.fingerprint import Code
from softcifar.pipeline.plan import entries

ROOT = Path(__file__).resolve().parents[2]
CODE = Code(ROOT)  # read once for all tests


@pytest.fixture
def plan(write_params):
    return lambda changes: entries(params.load(write_params(changes)), ROOT, CODE)


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
        ({"evaluation.attacks.random_search.queries": 2}, {"evaluate/hard.json", "evaluate/instance.json", "report.json"}),
        ({"evaluation.attacks.pgd.steps": 2}, {"surrogate/hard.json", "evaluate/hard.json", "evaluate/instance.json",
                                               "report.json"}),
        ({"surrogates": {"instance": None}}, {"surrogate/hard.json", "surrogate/instance.json", "evaluate/hard.json",
                                        "evaluate/instance.json", "report.json"}),
        ({"report.bins": 10}, {"report.json"}),
        ({"datasets.noise.count": 50}, {"download/noise.json", "report.json"}),
        ({"data.split_seed": 1}, {"prepare.json", "teach/resnet8.json", "report.json"}),
        ({"seeds.runs": 3}, {"train/hard.json", "train/instance.json", "evaluate/hard.json", "evaluate/instance.json",
                             "distill/hard.json", "report.json"}),
        ({"seeds.search": 2}, {"train/hard.json", "train/instance.json", "report.json"}),
        ({"distillation.alpha": 0.5}, {"distill/hard.json", "report.json"}),
        ({"seeds.refit": True, "students.instance.labels": "hard"}, {"train/hard.json", "train/instance.json", "report.json"}),
        ({"recipe.decay": 0.1}, {"train/hard.json", "train/instance.json", "teach/resnet8.json", "distill/hard.json",
                                 "report.json"}),
        # hard, which is not tuned, chooses among as many initialisations as instance tries values: 4, 1 or 2
        ({"labels.instance.epsilon": [0.1, 0.2]}, {"soften/instance.json", "train/instance.json", "train/hard.json",
                                                   "report.json"}),
        ({"students.instance.loss.alpha": 0.1}, {"train/instance.json", "train/hard.json", "report.json"}),
        ({"students.instance.loss.alpha": [0.1, 0.3]}, {"train/instance.json", "report.json"}),
        ({"labels.hard": {"source": "beta_smoothing"}}, {"soften/hard.json", "train/hard.json", "report.json"}),
        ({"students.instance.choose_by": "ece"}, {"train/instance.json", "report.json"}),
        ({"students.more": {"labels": "hard"}}, {"train/more.json", "evaluate/more.json", "report.json"}),
    ],
)  # fmt: skip
def test_a_changed_key_changes_what_uses_it(plan, changes, expected):
    assert changed(plan({}), plan(changes)) == expected


NAMED = {"students": {"hard": None, "instance": None}, "scores": ["knn", "vim"]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"novelty": NAMED}, {"novelty/hard.json", "novelty/instance.json", "report.json"}),
        ({"novelty": NAMED | {"students": {"hard": None}}}, {"novelty/hard.json", "report.json"}),
        ({"novelty": NAMED | {"students": {}}}, {"report.json"}),
    ],
)
def test_scores_that_a_study_names_change_no_other_stage(plan, changes, expected):
    assert changed(plan({}), plan(changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"novelty.scores": ["knn", "vim", "rmds"]}, {"novelty/hard.json", "novelty/instance.json", "report.json"}),
        ({"novelty.scores": [{"name": "knn", "neighbours": 5}, "vim"]}, {"novelty/hard.json", "novelty/instance.json",
                                                                         "report.json"}),
        ({"students.hard.lr": 0.2}, {"train/hard.json", "report.json"}),
        ({"evaluation.shifts.images": 20}, {"evaluate/hard.json", "evaluate/instance.json", "report.json"}),
        ({"seeds.runs": 3}, {"train/hard.json", "train/instance.json", "evaluate/hard.json", "evaluate/instance.json",
                             "distill/hard.json", "novelty/hard.json", "novelty/instance.json", "report.json"}),
        ({"students.instance.method": {"name": "mc_dropout"}}, {"evaluate/instance.json", "report.json"}),
    ],
)  # fmt: skip
def test_a_changed_key_changes_the_scores_that_a_study_names(plan, changes, expected):
    assert changed(plan({"novelty": NAMED}), plan({"novelty": NAMED} | changes)) == expected


def test_a_score_that_is_not_named_plays_no_part():
    """Its own text decides for the studies that name it alone."""
    code = [CODE.of("stages.novelty", [("novelty score", score)]) for score in ("knn", "vim")]
    assert code[0] != code[1]
    reached = {node[:2] for node in CODE.reached("stages.novelty", [("novelty score", "knn")])}
    assert ("softcifar.scores.knn", "knn") in reached
    assert not {module for module, _ in reached} & {"softcifar.scores.vim", "softcifar.scores.rmds", "softcifar.scores.fdbd"}


def test_a_student_without_a_linear_last_layer_has_the_scores_of_features_alone(plan):
    entry = plan({"novelty": NAMED, "students.instance.method": {"name": "sngp", "features": 16}})
    names = {name: [score["name"] for score in entry[f"novelty/{name}.json"]["params"]["scores"]] for name in NAMED["students"]}
    assert names == {"hard": ["knn", "vim"], "instance": ["knn"]}


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
    before, after = (entries(params.load(write_simulations(some)), ROOT, CODE) for some in ({}, changes))
    assert changed(before, after) == expected


def test_untuned_students_choose_among_as_many_initialisations_as_tuned_ones_try_values(plan):
    of = {name: entry["params"].get("initialisations") for name, entry in plan({}).items()}
    assert (of["train/hard.json"], of["train/instance.json"]) == (2, 1)
    assert plan({"students.instance.loss.alpha": 0.1})["train/hard.json"]["params"]["initialisations"] == 1


def test_the_augmentations_of_the_last_epochs_count(plan):
    last = {"students.hard.finetune": 1, "students.hard.finetune_augment": ["randaugment"]}
    one, other = plan(last), plan(last | {"students.hard.finetune_augment": ["trivialaugment"]})
    assert changed(one, other) == {"train/hard.json", "report.json"}
    assert one["train/hard.json"]["code"] != other["train/hard.json"]["code"]


def test_a_recipe_key_reaches_those_that_do_not_override_it(plan):
    before = plan({"students.hard.lr": 0.3})
    after = plan({"students.hard.lr": 0.3, "recipe.lr": 0.2})
    assert changed(before, after) == {"train/instance.json", "teach/resnet8.json", "distill/hard.json", "report.json"}


def test_the_library_knows_no_dvc():
    for path in (ROOT / "softcifar").rglob("*.py"):
        names = {alias.name for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.Import) for alias in node.names}  # fmt: skip
        assert "dvc" not in names, path
