"""params.yaml: what it resolves to; mistakes are one clear sentence that names the key."""

import inspect
import json
from pathlib import Path

import pytest
import yaml

from softcifar.augment import AUGMENTATIONS
from softcifar.errors import UserError
from softcifar.labels import LABEL_SOURCES
from softcifar.losses import LOSSES
from softcifar.methods import METHODS
from softcifar.models import NETWORKS
from softcifar.params import study as params
from softcifar.params.candidates import candidates
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Dataset, Distillation, LabelSource, Novelty, Student, Teacher
from softcifar.params.simulation import SimulatedMethod, Simulation
from softcifar.scores import NAMED_SCORES

ROOT = Path(__file__).resolve().parents[2]
TO_NOBODY = {"students": {"none": None}, "alpha": 0.9, "temperature": 20}


def test_students_and_teachers_inherit_the_recipe(write_params):
    study = params.load(write_params({"students.hard.lr": 0.3, "recipe.epochs": 4}))
    assert study.students["hard"].lr == 0.3
    assert study.students["instance"].lr == 0.1
    assert study.students["hard"].epochs == study.teachers["resnet8"].epochs == 4


def test_options_are_resolved_with_their_defaults(write_params):
    study = params.load(write_params({}))
    crop_flip = Chosen(name="crop_flip", options={"padding": 4, "fill": "zeros", "flip": 0.5})
    assert study.students["hard"].augment[0] == crop_flip
    assert study.students["hard"].loss.options == {}
    assert study.students["instance"].loss.options == {"alpha": [0.05, 0.1]}
    assert study.labels["instance"].options == {"epsilon": 0.1, "temperature": 1.0}


@pytest.mark.parametrize("text", ["1e-3", "0.001", "1e-03"])
def test_numbers_without_a_dot_are_numbers(write_params, text):
    path = write_params({})
    path.write_text(path.read_text().replace("weight_decay: 0.0005", f"weight_decay: {text}"))
    assert yaml.safe_load("1e-3") == "1e-3"  # the trap: YAML 1.1 wants a dot
    assert params.load(path).recipe.weight_decay == 0.001


def test_lists_are_tuned_over(write_params):
    study = params.load(
        write_params(
            {
                "students.instance.lr": [0.1, "3e-1"],
                "students.instance.augment": ["crop_flip", {"name": "mixup", "alpha": [0.2, 0.4]}],
            }
        )
    )
    found = candidates(study.students["instance"])
    assert [values for values, _ in found][:2] == [
        {"loss.alpha": 0.05, "augment.mixup.alpha": 0.2, "lr": 0.1},
        {"loss.alpha": 0.05, "augment.mixup.alpha": 0.2, "lr": 0.3},
    ]
    assert len(found) == 8
    values, recipe = found[-1]
    assert values == {"loss.alpha": 0.1, "augment.mixup.alpha": 0.4, "lr": 0.3}
    assert (recipe.loss.options["alpha"], recipe.augment[1].options["alpha"], recipe.lr) == (0.1, 0.4, 0.3)
    assert candidates(study.students["hard"]) == [({}, study.students["hard"])]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"students.hard.epoch": 3}, "students.hard: unknown key 'epoch'; did you mean 'epochs'?"),
        ({"recipe.lrr": 3}, "recipe: unknown key 'lrr'; did you mean 'lr'?"),
        ({"sedes": 3}, "unknown key 'sedes'; did you mean 'seeds'?"),
        ({"seeds.runs": 0}, "seeds.runs: found 0; input should be greater than 0"),
        ({"recipe.lr": "fast"}, "recipe.lr: found 'fast'; input should be a valid number"),
        ({"recipe.lr": True}, "recipe.lr: found True"),
        ({"recipe.lr": -1}, "recipe.lr: found -1"),
        ({"recipe.lr": float("nan")}, "recipe.lr: found nan"),
        ({"recipe.lr": []}, "an empty list has no value to try"),
        ({"recipe.epochs": 1.5}, "recipe.epochs: found 1.5; input should be a valid integer"),
        ({"recipe.nesterov": "no way"}, "recipe.nesterov: found 'no way'"),
        ({"recipe.schedule": "cosin"}, "recipe.schedule: found 'cosin'; input should be 'constant', 'cosine', 'linear' or"),
        ({"recipe.schedule": "multistep"}, "milestones: found [] with schedule 'multistep'"),
        ({"recipe.momentum": 0.0}, "nesterov: found true with momentum 0"),
        ({"recipe.lr": "0.1 "}, "recipe.lr: found '0.1 '; input should be a valid number"),
        ({"recipe.lr": "١"}, "recipe.lr: found '١'; input should be a valid number"),
        ({"recipe.warmup": 3}, "warmup: found 3.0 epochs; allowed: at most epochs (1)"),
        ({"recipe.finetune": 2}, "finetune: found 2 epochs; allowed: 0 to epochs (1)"),
        ({"recipe.finetune_augment": ["cutout"]}, "finetune_augment: found cutout with finetune 0; allowed there: []"),
        ({"recipe.finetune": 1, "recipe.finetune_augment": [{"name": "cutout", "side": [0.1, 0.2]}]},
         "finetune_augment.0.side: found [0.1, 0.2]"),
        ({"recipe.decay": -0.1}, "recipe.decay: found -0.1; input should be greater than or equal to 0"),
        ({"recipe.patience": 0}, "recipe.patience: found 0; input should be greater than 0"),
        (
            {"seeds.refit": True, "recipe.checkpoint": "best"},
            "students.hard: found checkpoint best, patience null with seeds.refit, which leaves no",
        ),
        (
            {"recipe.lookahead": {"every": 5, "decay": 0.95}, "recipe.checkpoint": "best"},
            "lookahead: found with checkpoint best, patience null; allowed there: checkpoint: last",
        ),
        ({"recipe.warmup_from": 0.2, "recipe.warmup": 0}, "warmup_from: found 0.2 with warmup 0; allowed there: 0"),
        ({"seeds.refit": True, "recipe.checkpoint": "last", "recipe.patience": 3}, "found checkpoint last, patience 3 with"),
        ({"seeds.refit": True, "recipe.checkpoint": "last"}, "students.instance.labels: 'instance' comes from a teacher"),
        (
            {
                "seeds.refit": True,
                "recipe.checkpoint": "last",
                "students.hard.method": {"name": "sngp", "features": 8, "mean_field": "fitted"},
            },
            "students.hard.method: found sngp with an option that is fitted on validation images",
        ),
        ({"students.hard.finetune": -1}, "students.hard.finetune: found -1; input should be greater than or equal to 0"),
        ({"recipe.warmup": None}, "warmup: this key is missing"),
        ({"students.hard.augment": ["randagment"]}, "augment.0: name: there is no 'randagment'; did you mean 'randaugment'?"),
        ({"recipe.augment": [{"name": "soft_crop", "sigma": 12}]}, "augment.0.sigma: found 12; input should be less than"),
        ({"recipe.augment": [{"name": "soft_crop", "k": 0}]}, "augment.0.k: found 0; input should be greater than 0"),
        ({"recipe.augment": [{"name": "soft_crop", "mode": "wieght"}]}, "mode: found 'wieght'; did you mean 'weight'?"),
        ({"recipe.augment": [{"name": "randaugment", "ops": 15}]}, "augment.0.ops: found 15; input should be less than"),
        ({"recipe.augment": [{"name": "cutmix", "q": "match_humans"}]}, "augment.0.q: found 'match_humans'; "),
        ({"recipe.augment": [{"name": "cutmix", "weights": 1}]}, "augment.0: unknown key 'weights'"),
        ({"recipe.lr": None}, "lr: this key is missing"),
        ({"recipe.loss": "crossentropy"}, "loss: name: there is no 'crossentropy'; did you mean 'cross_entropy'?"),
        ({"students.instance.loss": {"name": "label_relaxation", "alhpa": 1}}, "did you mean 'alpha'?"),
        ({"students.instance.loss": {"name": "label_relaxation", "alpha": 1}}, "loss.alpha: found 1; "),
        ({"students.hard.network": "resnet9"}, "found resnet9; allowed: resnet<6n+2>, the nearest is resnet8"),
        ({"students.hard.network": "vgg19"}, "network: name: there is no 'vgg19'; did you mean 'vgg16'?"),
        ({"students.hard.network": {"name": "vgg16", "coeff": 3}}, "network: found coeff 3.0 without spectral_norm; allowed: "),
        ({"students.hard.network": {"name": "resnet8", "depth": 3}}, "unknown key 'depth'"),
        ({"students.hard.labels": "hrad"}, "students.hard.labels: there is no 'hrad'; did you mean 'hard'?"),
        ({"students.hard.labels": None}, "students.hard.labels: this key is missing"),
        ({"labels.instance.teacher": "resnet"}, "labels.instance.teacher: there is no 'resnet'; did you mean 'resnet8'"),
        ({"labels.instance.teacher": None}, "source 'instance_based' needs a teacher"),
        ({"labels.hard.teacher": "resnet8"}, "teacher: source 'hard' uses no teacher"),
        ({"labels.instance.epsilon": 1.5}, "labels.instance.epsilon: found 1.5; input should be less than or equal to 1"),
        ({"labels.instance.source": "instence_based"}, "source: there is no 'instence_based'; did you mean"),
        ({"datasets.shapes.source": "shape"}, "there is no 'shape'; did you mean 'shapes'?"),
        ({"datasets.shapes.trian": 3}, "unknown key 'trian'; did you mean 'train'?"),
        ({"data.images": "shape"}, "data.images: there is no 'shape'; did you mean 'shapes'?"),
        ({"data.ood.digits": "far"}, "data.ood: there is no 'digits'"),
        ({"data.ood.noise": "distant"}, "data.ood.noise: found 'distant'; input should be 'near' or 'far'"),
        ({"evaluation.attacks.fgsm.eps_255": [300]}, "evaluation.attacks.fgsm.eps_255.0: found 300"),
        ({"evaluation.attacks.fgsm.eps_255": [1, 1.0]}, "fgsm: eps_255: found [1.0, 1.0]; allowed: each value once"),
        ({"evaluation.attacks.fgsm.eps_255": []}, "evaluation.attacks.fgsm.eps_255: found []"),
        ({"evaluation.attacks.pgd.steps": 0}, "evaluation.attacks.pgd.steps: found 0"),
        ({"evaluation.attacks.pgd.stepps": 3}, "evaluation.attacks.pgd: unknown key 'stepps'; did you mean 'steps'?"),
        ({"evaluation.attacks.pdg": {"eps_255": [1], "images": 3}}, "attacks: there is no 'pdg'; did you mean 'pgd'?"),
        ({"evaluation.attacks.pgd": 3}, "evaluation.attacks.pgd: found 3; allowed: a mapping of eps_255"),
        ({"evaluation.attacks.pgd": None}, "surrogates: found hard without evaluation.attacks.pgd"),
        ({"evaluation.shifts.corruptions": ["gausian_noise"]}, "there is no 'gausian_noise'; did you mean 'gaussian_noise'?"),
        ({"evaluation.shifts.severities": [0]}, "evaluation.shifts.severities.0: found 0; input should be greater than"),
        ({"evaluation.shifts.severities": []}, "severities: found [] with corruptions ['gaussian_noise', 'contrast']; allowed"),
        ({"evaluation.shifts.covered": [1.0]}, "evaluation.shifts.covered.0: found 1.0; input should be less than 1"),
        ({"surrogates": {"herd": None}}, "surrogates: there is no 'herd'; did you mean 'hard'?"),
        ({"surrogates": ["hard"]}, "surrogates: found ['hard']"),
        ({"recipe.lr": [0.1, 0.2]}, "teachers.resnet8.lr: found a list, which is tuned over; a teacher is not tuned"),
        ({"students.hard.epochs": [1, 5], "students.hard.warmup": 3}, "students.hard: not all of the listed values go"),
        ({"students.hard.method": {"name": "mc_dropout", "samples": [2, 4]}}, "samples: found [2, 4]"),
        ({"report.reference": "hardd"}, "report.reference: there is no 'hardd'; did you mean 'hard'?"),
        ({"students": {}}, "students: found {}; "),
        ({"students.hard.lr": [0.1, 0.2, 0.3]}, "students.instance: tries 2 values where students.hard tries 3; allowed"),
        ({"seeds.search": 3}, "seeds: search: found 3; allowed: 1 to runs (2)"),
        ({"data.splits": 0}, "data.splits: "),
        ({"data.splits": 3}, "data.splits: found 3 with seeds.runs 2; allowed: at most one split per run"),
        (
            {"data.splits": 2, "seeds.runs": 4, "report.ensembles": 2},
            "report.ensembles: found 2 with data.splits 2, whose runs cannot be averaged",
        ),
        ({"data.splits": 2, "seeds.search": 2}, "seeds.search: found 2 with data.splits 2 and seeds.runs 2"),
        ({"data.splits": 2, "data.protocol": "repeated", "data.ood": {}}, "data: splits: found 2 with protocol 'repeated'"),
        ({"recipe.optimizer": "adam"}, "momentum: found 0.9, nesterov true, with optimizer adam"),
        ({"distillation.students": {"herd": None}}, "distillation.students: there is no 'herd'; did you mean 'hard'?"),
        ({"distillation.lr": [0.1, 0.2]}, "distillation.lr: found a list, which is tuned over; the shallow student is not"),
        ({"novelty": {"students": {"herd": None}, "scores": ["knn"]}}, "novelty.students: there is no 'herd'; did you mean"),
        ({"novelty": {"students": {"hard": None}}}, "novelty.scores: this key is missing"),
        ({"novelty": {"scores": []}}, "novelty.scores: found []"),
        ({"novelty": {"scores": ["knm"]}}, "novelty.scores.0: name: there is no 'knm'; did you mean 'knn'?"),
        ({"novelty": {"scores": ["vim", "knn", "vim"]}}, "novelty: scores: found vim more than once; allowed: each score once"),
        ({"novelty": {"scores": [{"name": "knn", "neighbours": 0}]}}, "neighbours: found 0"),
        ({"novelty": {"scores": [{"name": "knn", "neighbors": 5}]}}, "unknown key 'neighbors'; did you mean 'neighbours'?"),
        ({"novelty": {"scores": [{"name": "vim", "dimension": [8, 16]}]}}, "dimension: found [8, 16]"),
        (
            {"novelty": {"students": {"hard": None}, "scores": ["vim", "fdbd"]}, "students.hard.method": {"name": "sngp"}},
            "novelty.students: found hard, whose last layer (of method 'sngp') is not linear, as vim, fdbd need; allowed",
        ),
        (
            {"novelty": {"students": {"hard": None}, "scores": ["knn"]}, "data.ood": {}},
            "novelty.students: found without data.ood, so without novel images to score; allowed there: none",
        ),
        (
            {"novelty": {"scores": [{"name": "knn", "neighbours": 999999}]}, "data.sizes.train": 100},
            "novelty.scores.knn.neighbours: found 999999 with 100 training images (data.sizes.train)",
        ),
        ({"students": 3}, "students: found 3; "),
        ({"students": {"a b": {"labels": "hard"}}}, "students"),
        ({"teachers": None}, "labels.instance.teacher: there is no 'resnet8'; allowed: (nothing)"),
        ({"students": {}, "distillation.students": {}}, "students: found {}; allowed: at least one, or simulations or acquis"),
        ({"data.protocol": "repeated"}, "data: ood: found {'unseen': 'near', 'noise': 'far'} with protocol 'repeated'"),
        ({"data.protocol": "repeated", "data.ood": {}}, "data.protocol: found 'repeated' with students; allowed there: "),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(write_params, changes, message):
    one_sentence(write_params(changes), message)


def one_sentence(path: Path, message: str) -> None:
    with pytest.raises(UserError) as error:
        params.load(path)
    lines = str(error.value).split("\n")
    assert any(message in line for line in lines)
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert "pydantic" not in str(error.value)


def test_simulations_inherit_the_recipe_and_their_methods_have_all_options(write_simulations):
    study = params.load(write_simulations({"simulations.in_sample.lr": 0.5, "recipe.epochs": 7}))
    crossed, seen = study.simulations["cross_fitted"], study.simulations["in_sample"]
    assert (crossed.lr, seen.lr) == (study.recipe.lr, 0.5)
    assert crossed.epochs == seen.epochs == 7
    assert (crossed.folds, seen.folds) == (5, 1)
    assert crossed.methods["ils2"].options.keys() == {"epsilon", "temperature"}
    assert crossed.methods["none"].loss is None
    assert crossed.methods["bootstrapping"].loss.name == "soft_bootstrapping"
    assert crossed.methods["class_based"].calibrated
    assert not crossed.methods["ils2"].calibrated
    assert crossed.methods["none_scaled"] == SimulatedMethod(scaled="none")


SIMULATED = "simulations.in_sample.methods"
ONE_FOLD = {"patience": 3, "folds": 1, "methods": {"none": {"source": "hard"}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{SIMULATED}.none": {"source": "human"}}, f"{SIMULATED}.none: source: 'human' needs people's labels"),
        ({f"{SIMULATED}.none": {"source": "hrad"}}, f"{SIMULATED}.none: source: there is no 'hrad'; did you mean 'hard'?"),
        ({f"{SIMULATED}.none": {"epsilon": 0.1}}, "allowed: a mapping with the key 'source'"),
        ({f"{SIMULATED}.beta": {"source": "uniform", "epsilom": 0.1}}, "unknown key 'epsilom'; did you mean 'epsilon'?"),
        ({f"{SIMULATED}.beta.concentration": 0}, f"{SIMULATED}.beta.concentration: found 0"),
        ({f"{SIMULATED}.beta.concentration": [1, -1]}, f"{SIMULATED}.beta.concentration: found -1"),
        ({f"{SIMULATED}.beta.calibrated": True}, "calibrated: source 'beta_smoothing' uses no teacher; remove this key"),
        ({f"{SIMULATED}.none.calibrated": False}, "calibrated: source 'hard' uses no teacher; remove this key"),
        ({f"{SIMULATED}.ils.calibrated": True}, "calibrated: source 'adaptive_instance_based' takes its mass from the calib"),
        ({f"{SIMULATED}.none.loss": "focla"}, "there is no 'focla'; did you mean 'focal'?"),
        ({f"{SIMULATED}.bootstrapping.loss.beta": [0.1, 1.5]}, "beta: found 1.5"),
        ({f"{SIMULATED}.none_scaled": {"scaled": "nome"}}, ".none_scaled.scaled: there is no 'nome'; did you mean 'none'?"),
        ({f"{SIMULATED}.ils_scaled": {"scaled": "none_scaled"}}, "methods.ils_scaled.scaled: 'none_scaled' is scaled itself;"),
        ({f"{SIMULATED}.ils_scaled": {"scaled": "ils_scaled"}}, "methods.ils_scaled.scaled: 'ils_scaled' is scaled itself;"),
        ({f"{SIMULATED}.none.scaled": "ils"}, "scaled: takes the networks of another method as they are; remove the other"),
        ({f"{SIMULATED}.none.scaled": 3}, "scaled: takes the networks of another method as they are; remove the other"),
        ({f"{SIMULATED}.bayes": {"source": "hard"}}, "methods.bayes: this name is kept for the Bayes-optimal prediction"),
        ({SIMULATED: {}}, f"{SIMULATED}: found {{}}"),
        ({f"{SIMULATED}.beta.concentration": [1, 2, 3]},
         f"{SIMULATED}.beta: found a grid of 3; allowed: 12 points (seeds.runs) or none"),
        ({"seeds.runs": 11}, "simulations.cross_fitted.methods.smoothing: found a grid of 12; allowed: 11 points"),
        ({"simulations.in_sample.patience": None}, "simulations.in_sample.patience: this key is missing"),
        ({"simulations.in_sample.patience": 0}, "simulations.in_sample.patience: found 0"),
        ({"simulations.in_sample.folds": 0}, "simulations.in_sample.folds: found 0"),
        ({"simulations.in_sample.flods": 5}, "simulations.in_sample: unknown key 'flods'; did you mean 'folds'?"),
        ({"simulations": {}}, "students: found {}; allowed: at least one, or simulations or acquisitions instead"),
        ({"students": {"hard": {"labels": "hard"}}, "labels": {"hard": {"source": "hard"}}}, "simulations: found beside"),
        ({"labels": {"hard": {"source": "hard"}}}, "simulations: found beside students, labels or teachers; allowed: "),
        ({"teachers": {"mlp": {"folds": 1}}}, "simulations: found beside students, labels or teachers; allowed: "),
        ({"distillation": TO_NOBODY}, "distillation.students: there is no 'none'; allowed: (nothing)"),
        ({"data.protocol": "standard"}, "data.protocol: found 'standard'; allowed with simulations: 'repeated'"),
        ({"data.votes": {"test": "gaussians"}}, "data: votes: found {'test': 'gaussians'} with protocol 'repeated'"),
        ({"data.ood": {"gaussians": "far"}}, "data: ood: found {'gaussians': 'far'} with protocol 'repeated'; allowed"),
        ({"data.images": "gausians"}, "data.images: there is no 'gausians'; did you mean 'gaussians'?"),
        ({"report.reference": "nome"}, "report.reference: there is no 'nome'; did you mean 'none'?"),
        ({"simulations.in_sample": ONE_FOLD, "report.reference": "ils"}, "report.reference: there is no 'ils'"),
        ({"recipe.lr": [0.1, 0.2]}, "lr: found [0.1, 0.2]; allowed in a simulation: one value"),
        ({"simulations.in_sample.choose_by": "loss"}, "simulations.in_sample.choose_by: found 'loss'"),
        ({"recipe.network": {"name": "mlp", "width": [32, 64]}}, "network.width: found [32, 64]; allowed in a simulation: one"),
        ({"recipe.network": "resnet8"}, "network: found 'resnet8'; allowed in a simulation: 'mlp'"),
        ({"recipe.network": {"name": "mlp", "dropout": 0.1}}, "network.dropout: found 0.1; allowed in a simulation: 0"),
        ({"recipe.method": "mc_dropout"}, "method: found 'mc_dropout'; allowed in a simulation: 'softmax'"),
        ({"recipe.loss": "focal"}, "loss: found 'focal'; allowed in a simulation: 'cross_entropy'"),
        ({"recipe.augment": ["mixup"]}, "augment: found ['mixup']; allowed in a simulation: []"),
        ({"recipe.optimizer": "sgd"}, "optimizer: found 'sgd'; allowed in a simulation: 'adam'"),
        ({"recipe.schedule": "cosine"}, "schedule: found 'cosine'; allowed in a simulation: 'constant'"),
        ({"recipe.warmup": 1}, "warmup: found 1.0; allowed in a simulation: 0"),
        ({"recipe.decay": 0.1}, "decay: found 0.1; allowed in a simulation: 0"),
        ({"seeds.refit": True}, "seeds.refit: found true with simulations; allowed there: false"),
        ({"recipe.finetune": 1}, "finetune: found 1; allowed in a simulation: 0"),
        ({"recipe.checkpoint": "last"}, "checkpoint: found 'last'; allowed in a simulation: 'best'"),
        ({"recipe.precision": "auto"}, "precision: found 'auto'; allowed in a simulation: 'float32'"),
        ({"datasets.gaussians.sparse_share": 1.0}, "datasets.gaussians.sparse_share: found 1.0; input should be less than 1"),
        ({"datasets.gaussians.dense_spread": 0}, "datasets.gaussians.dense_spread: found 0; input should be greater than 0"),
        ({"datasets.gaussians.data_sets": 0}, "datasets.gaussians.data_sets: found 0; input should be greater than 0"),
        ({"datasets.gaussians.train": 1.5}, "datasets.gaussians.train: found 1.5"),
        ({"datasets.gaussians.turn": "left"}, "datasets.gaussians.turn: found 'left'"),
        ({"datasets.gaussians.tern": 3}, "datasets.gaussians: unknown key 'tern'; did you mean 'turn'?"),
        ({"datasets.gaussians.source": "gaussian"}, "source: there is no 'gaussian'; did you mean 'gaussians'?"),
    ],
)  # fmt: skip
def test_mistakes_in_a_study_of_simulations_are_one_sentence(write_simulations, changes, message):
    one_sentence(write_simulations(changes), message)


def null(path: Path, key: str) -> Path:
    study = yaml.safe_load(path.read_text())
    *parents, last = key.split(".")
    section = study
    for parent in parents:
        section = section[parent]
    section[last] = None
    path.write_text(yaml.safe_dump(study))
    return path


def test_a_null_in_the_wrong_place_is_one_sentence(write_params, write_simulations):
    one_sentence(
        null(write_params({}), "evaluation"), "evaluation: found null; allowed in a study of simulations or acquisitions only"
    )
    path = null(write_simulations({f"{SIMULATED}.none_scaled": {}}), f"{SIMULATED}.none_scaled.scaled")
    one_sentence(path, f"{SIMULATED}.none_scaled: found {{'scaled': None}}; allowed: a mapping with the key 'source'")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="not found; make repro STUDY=shapes copies a study there"):
        params.load(tmp_path / "params.yaml")


def test_sections_that_a_study_need_not_have_are_not_written(write_params):
    lean = params.load(write_params({"distillation": None, "surrogates": None, "illustrations": None}))
    assert (lean.distillation, lean.surrogates, lean.illustrations, lean.simulations) == (None, {}, {}, {})
    assert lean.students["hard"].milestones == []
    assert not lean.students["hard"].compile


@pytest.mark.parametrize("study", ["smoke", "gaussians"])
def test_what_is_resolved_can_be_written_down_and_read_again(study, write_params, write_simulations):
    """As the plan does: recipes, label sources and simulations with their options, tuned lists among them."""
    whole = params.load((write_params if study == "smoke" else write_simulations)({}))
    sections = {"teachers": Teacher, "labels": LabelSource, "students": Student, "simulations": Simulation, "datasets": Dataset}
    for section, kind in sections.items():
        for name, found in getattr(whole, section).items():
            assert kind.model_validate(json.loads(json.dumps(found.model_dump()))) == found, name
    if whole.distillation:
        assert Distillation(**json.loads(json.dumps(whole.distillation.model_dump()))) == whole.distillation
    named = Novelty(students={"hard": None}, scores=["rmds", {"name": "knn", "neighbours": 5}])
    assert Novelty(**json.loads(json.dumps(named.model_dump()))) == named


def test_no_option_is_called_options():
    """{'name': ..., 'options': {...}} is how a resolved choice is written down."""
    registries = (NETWORKS, LOSSES, AUGMENTATIONS, METHODS, LABEL_SOURCES, NAMED_SCORES)
    for function in (each for registry in registries for each in registry.values()):
        assert "options" not in inspect.signature(function).parameters
