"""The plan of a study: for every stage and item, the resolved params and the code that decide its result.

A stage reads its own entry and nothing else of params.yaml. DVC compares these small files instead of whole params sections and
folders of code, so a stage runs again exactly when something that it uses has changed. What a stage takes no notice of is left
out, or, where a section of params needs the key, set to a value that is the same for all.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import softcifar
from softcifar.errors import UserError
from softcifar.evaluation.adversarial import nested
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.source import inputs
from softcifar.methods import METHODS
from softcifar.models.build import split
from softcifar.params.recipe import Recipe
from softcifar.params.study import Study
from softcifar.pipeline.fingerprint import FETCH, Code

Params = dict[str, Any]
Methods = list[tuple[str, str]]  # (registry, key), see softcifar.pipeline.fingerprint
PLAIN = {"name": "softmax", "options": {}}
UNTUNED = {"choose_by": "nll"}  # there is nothing to choose
NO_CHOICE = {"search": 1, "refit": False}
ONE_RUN = {"runs": 1, **NO_CHOICE}  # how many runs there are changes none of them


def entries(study: Study, root: Path, code: Code | None = None) -> dict[str, Params]:
    """{'params': ..., 'code': sha256} of every stage and item, by the path of its file: 'train/hard.json', 'report.json'.

    code: what has been read of `root`'s code before; plans of several studies share it.
    """
    code = code or Code(root)
    return {
        file: {"params": params, "code": code.of(f"stages.{stage}", methods)}
        for file, stage, params, methods in _planned(study, root)
    }


def files(study: Study, root: Path) -> list[str]:
    """The keys of `entries`, which hashes code for its values."""
    return [file for file, *_ in _planned(study, root)]


def _planned(study: Study, root: Path) -> Iterator[tuple[str, str, Params, Methods]]:
    """(file, stage, params, methods) of every stage and item."""
    _require_same_place(root)
    for stage, (plan, items) in STAGES.items():
        for name in items(study):
            yield f"{stage}/{name}.json" if name else f"{stage}.json", stage, *plan(study, name)


def text(entry: Params) -> str:
    """What stands in an entry's file. Keys keep their order: that of the students is the order of the report's rows."""
    return json.dumps(entry, indent=1, ensure_ascii=False) + "\n"


def _require_same_place(root: Path) -> None:
    imported = Path(softcifar.__file__).resolve().parents[1]
    if imported != root.resolve():  # e.g. a copy of the project, beside the one that was installed
        raise UserError(
            f"softcifar: imported from {imported}, but the study lies in {root.resolve()}; run python -m stages.plan there"
        )


def _download(study: Study, name: str) -> tuple[Params, Methods]:
    return study.datasets[name].model_dump(), [(FETCH, study.datasets[name].source)]


def _prepare(study: Study, _: str) -> tuple[Params, Methods]:
    used = {study.data.images, *study.data.votes.values(), *study.data.ood, *filter(None, [study.data.corrupted])}
    sources = {name: study.datasets[name].source for name in sorted(used)}
    # "ood" as names alone: only the report distinguishes near from far sets.
    params = {**study.data.model_dump(), "ood": list(study.data.ood), "sources": sources}
    return params, [("data set", source) for source in sources.values()]


def _teach(study: Study, name: str) -> tuple[Params, Methods]:
    recipe, methods = _training(study.teachers[name])
    seeds = study.seeds.model_dump() | ONE_RUN
    return {"teacher": recipe | UNTUNED, "seeds": seeds, "split_seed": study.data.split_seed}, methods  # it decides the folds


def _soften(study: Study, name: str) -> tuple[Params, Methods]:
    return study.labels[name].model_dump(), [("label source", study.labels[name].source)]


def _train(study: Study, name: str) -> tuple[Params, Methods]:
    recipe, methods = _training(study.students[name])
    source = study.labels[study.students[name].labels]
    params = {"student": recipe, "seeds": study.seeds.model_dump(), "source": {"source": "hard"}}
    params["initialisations"] = study.initialisations(name)
    made_here = study.seeds.refit or "student_logits" in inputs(LABEL_SOURCES[source.source])
    if made_here:
        methods.append(("label source", source.source))
    if made_here or any(isinstance(value, list) for value in source.options.values()):
        params["source"] = source.model_dump()  # otherwise the labels' file says it all
    return params, methods


def _training(recipe: Recipe) -> tuple[Params, Methods]:
    # A method that only predicts plays no part in training: validation during training is one deterministic pass.
    trains = METHODS[recipe.method.name].trains()
    params = recipe.model_dump() | ({} if trains else {"method": PLAIN})
    steps = _steps(recipe)
    return params, [_network(recipe), ("loss", recipe.loss.name), ("method", "softmax"), *_trained_by(recipe), *steps]


def _steps(recipe: Recipe) -> Methods:
    return [("augmentation", step.name) for step in [*recipe.augment, *recipe.finetune_augment]]


def _trained_by(recipe: Recipe) -> Methods:
    """The uncertainty method, where it takes part in training."""
    return [("method", recipe.method.name)] if METHODS[recipe.method.name].trains() else []


def _network(recipe: Recipe) -> tuple[str, str]:
    return "network", split(recipe.network.name)[0]


def _distill(study: Study, name: str) -> tuple[Params, Methods]:
    # What was chosen of the student's own params is in its folder, which the stage reads as data.
    recipe, student = study.distillation, study.students[name]
    unused = {"students": {}, "loss": {"name": "cross_entropy"}, "method": PLAIN} | UNTUNED
    steps = _steps(recipe)
    methods = [_network(recipe), _network(student), ("method", "softmax"), *_trained_by(student), *steps]
    return {"distillation": recipe.model_dump() | unused, "seeds": study.seeds.model_dump() | NO_CHOICE}, methods


def _surrogate(study: Study, name: str) -> tuple[Params, Methods]:
    student, attacks = study.students[name], study.evaluation.attacks
    params = {
        "network": student.network.model_dump(),
        "method": student.method.model_dump(),
        "pgd": attacks["pgd"].model_dump(),
        "images": nested(attacks)["pgd"],
        "batch_size": study.evaluation.batch_size,
        "seed": study.seeds.order,
    }
    return params, [_network(student), ("method", "softmax"), ("method", student.method.name), ("attack", "pgd")]


def _evaluate(study: Study, name: str) -> tuple[Params, Methods]:
    student = study.students[name]
    attacks = {each: attack.model_dump() for each, attack in sorted(study.evaluation.attacks.items())}
    params = {
        "network": student.network.model_dump(),
        "method": student.method.model_dump(),
        "evaluation": study.evaluation.model_dump() | {"attacks": attacks},
        "ood": list(study.data.ood),
        "surrogates": sorted(study.surrogates),
        "seeds": study.seeds.model_dump() | NO_CHOICE | {"init": 0},
    }
    changes = [("attack", each) for each in study.evaluation.attacks]
    changes += [("corruption", each) for each in study.evaluation.shifts.corruptions]
    return params, [_network(student), ("method", "softmax"), ("method", student.method.name), *changes]


def _novelty(study: Study, name: str) -> tuple[Params, Methods]:
    # The network that validation chose is in its folder, which the stage reads as data.
    student = study.students[name]
    scores = study.novelty.of(student)
    params = {
        "scores": [score.model_dump() for score in scores],
        "ood": list(study.data.ood),
        "runs": study.seeds.runs,
        "batch_size": study.evaluation.batch_size,
    }
    methods = [_network(student), ("method", "softmax"), *_trained_by(student)]
    return params, [*methods, *(("novelty score", score.name) for score in scores)]


def _simulate(study: Study, name: str) -> tuple[Params, Methods]:
    simulation = study.simulations[name]
    params = {
        "simulation": simulation.model_dump(),
        "seeds": study.seeds.model_dump() | NO_CHOICE,
        "split_seed": study.data.split_seed,
        "bins": study.report.bins,
    }
    trained = [method for method in simulation.methods.values() if method.source]
    losses = [("loss", method.loss.name) for method in trained if method.loss]
    return params, [*(("label source", method.source) for method in trained), *losses]


def _acquire(study: Study, name: str) -> tuple[Params, Methods]:
    options = study.acquisitions[name]
    params = {"acquisition": options.model_dump() | UNTUNED, "seeds": study.seeds.model_dump() | NO_CHOICE}
    methods = [_network(options), ("loss", options.loss.name), ("method", "softmax"), ("method", options.method.name)]
    return params, [*methods, *_steps(options), ("acquisition", options.strategy.name)]


def _illustrate(study: Study, name: str) -> tuple[Params, Methods]:
    return {**study.illustrations[name].model_dump(), "seed": study.seeds.init}, [("illustration", name)]


def _report(study: Study, _: str) -> tuple[Params, Methods]:
    absent = {} if study.distillation else {"distillation": {"students": {}}}
    absent |= {} if study.novelty else {"novelty": {"students": {}, "scores": []}}
    return study.model_dump() | absent, [
        ("method", name)
        for name in sorted({student.method.name for student in study.students.values()})  # their titles
    ]


Items = Callable[[Study], Any]  # names; one empty name where a stage has no items
STAGES: dict[str, tuple[Callable[[Study, str], tuple[Params, Methods]], Items]] = {
    "download": (_download, lambda study: study.datasets),
    "prepare": (_prepare, lambda study: [""]),
    "teach": (_teach, lambda study: study.teachers),
    "soften": (_soften, lambda study: study.labels),
    "train": (_train, lambda study: study.students),
    "distill": (_distill, lambda study: study.distillation.students if study.distillation else {}),
    "simulate": (_simulate, lambda study: study.simulations),
    "acquire": (_acquire, lambda study: study.acquisitions),
    "surrogate": (_surrogate, lambda study: study.surrogates),
    "novelty": (_novelty, lambda study: study.novelty.students if study.novelty else {}),
    "illustrate": (_illustrate, lambda study: study.illustrations),
    "evaluate": (_evaluate, lambda study: study.students),
    "report": (_report, lambda study: [""]),
}
