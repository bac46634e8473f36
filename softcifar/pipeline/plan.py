"""The plan of a study: for every stage and item, the resolved params and the code that decide its result.

DVC compares these small files instead of whole params sections and folders of code, so a stage runs again exactly when
something that it uses has changed.
"""

from pathlib import Path
from typing import Any

import softcifar
from softcifar.augment import AUGMENTATIONS
from softcifar.corruptions import CORRUPTIONS
from softcifar.data import DATA_SOURCES
from softcifar.errors import UserError
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.source import inputs
from softcifar.losses import LOSSES
from softcifar.methods import METHODS
from softcifar.models.build import Networks
from softcifar.params.recipe import Recipe
from softcifar.params.study import Study
from softcifar.pipeline.fingerprint import code

Entry = dict[str, Any]


def entry(study: Study, root: Path, stage: str, name: str | None = None) -> Entry:
    """{'params': ..., 'code': {file: sha256}} of one stage (download, prepare, ..., report) and its item `name`."""
    imported = Path(softcifar.__file__).resolve().parents[1]
    if imported != root.resolve():  # e.g. a copy of the project, beside the one that was installed
        raise UserError(
            f"softcifar: imported from {imported}, but the study lies in {root.resolve()}; run python -m stages.{stage} there"
        )
    params, methods = {
        "download": _download,
        "prepare": _prepare,
        "teach": _teach,
        "soften": _soften,
        "train": _train,
        "distill": _distill,
        "simulate": _simulate,
        "illustrate": _illustrate,
        "surrogate": _surrogate,
        "evaluate": _evaluate,
        "report": _report,
    }[stage](study, name)
    return {"params": params, "code": code(root, f"stages/{stage}.py", methods)}


def entries(study: Study, root: Path) -> dict[str, Entry]:
    """Every entry of the study, by the path of its file: 'train/hard.json', 'report.json'."""
    items = {
        "download": study.datasets,
        "teach": study.teachers,
        "soften": study.labels,
        "train": study.students,
        "surrogate": study.surrogates,
        "evaluate": study.students,
        "distill": study.distillation.students,
        "simulate": study.simulations,
        "illustrate": study.illustrations,
    }
    found = {f"{stage}.json": entry(study, root, stage) for stage in ("prepare", "report")}
    for stage, names in items.items():
        found |= {f"{stage}/{name}.json": entry(study, root, stage, name) for name in names}
    return found


def _download(study: Study, name: str) -> tuple[Entry, list]:
    return study.datasets[name].model_dump(), [DATA_SOURCES[study.datasets[name].source].fetch]


def _prepare(study: Study, _: None) -> tuple[Entry, list]:
    used = {study.data.images, *study.data.votes.values(), *study.data.ood, *filter(None, [study.data.corrupted])}
    sources = {name: study.datasets[name].source for name in sorted(used)}
    ood = list(study.data.ood)  # near or far matters to the report alone
    return {**study.data.model_dump(), "ood": ood, "sources": sources}, [
        DATA_SOURCES[source].fetch for source in sources.values()
    ]


def _teach(study: Study, name: str) -> tuple[Entry, list]:
    params, methods = _training(study.teachers[name], study)
    return {**params, "split_seed": study.data.split_seed}, methods  # it decides the folds


def _soften(study: Study, name: str) -> tuple[Entry, list]:
    return study.labels[name].model_dump(), [LABEL_SOURCES[study.labels[name].source]]


def _train(study: Study, name: str) -> tuple[Entry, list]:
    params, methods = _training(study.students[name], study)
    source = study.labels[study.students[name].labels]
    tuned = {key: value for key, value in source.options.items() if isinstance(value, list)}
    if "student_logits" in inputs(LABEL_SOURCES[source.source]):  # made during training
        return {**params, "labels_made": source.model_dump()}, [*methods, LABEL_SOURCES[source.source]]
    return {**params, "labels_tuned": tuned}, methods


def _training(recipe: Recipe, study: Study) -> tuple[Entry, list]:
    # A method that only predicts plays no part in training: validation during training is one deterministic pass.
    method = _training_method(recipe)
    params = {**recipe.model_dump(exclude=set() if method else {"method"}), "seeds": study.seeds.model_dump()}
    if "folds" in params:
        del params["seeds"]["runs"], params["seeds"]["search"], params["choose_by"]
    steps = [AUGMENTATIONS[step.name] for step in recipe.augment]
    return params, [
        Networks()[recipe.network.name],
        LOSSES[recipe.loss.name],
        METHODS["softmax"],
        *method,
        *steps,
    ]


def _training_method(recipe: Recipe) -> list:
    """The uncertainty method, where it takes part in training."""
    method = METHODS[recipe.method.name]
    return [method] if method.trains else []


def _distill(study: Study, name: str) -> tuple[Entry, list]:
    # What was chosen of the student's own params is in its folder, which the stage reads as data.
    recipe = study.distillation
    params = recipe.model_dump(exclude={"students", "loss", "method", "choose_by"})
    student = study.students[name]
    networks = [Networks()[recipe.network.name], Networks()[student.network.name], *_training_method(student)]
    steps = [AUGMENTATIONS[step.name] for step in recipe.augment]
    return {**params, "seeds": study.seeds.model_dump(exclude={"search"})}, [*networks, METHODS["softmax"], *steps]


def _surrogate(study: Study, name: str) -> tuple[Entry, list]:
    student, attacks = study.students[name], study.evaluation.attacks
    params = {
        "network": student.network.model_dump(),
        "method": student.method.model_dump(),
        "attacks": attacks.model_dump(include={"fgsm_images", "pgd_eps_255", "pgd_steps", "pgd_images"}),
        "batch_size": study.evaluation.batch_size,
        "seeds": study.seeds.model_dump(include={"order"}),
    }
    return params, [Networks()[student.network.name], METHODS[student.method.name]]


def _evaluate(study: Study, name: str) -> tuple[Entry, list]:
    student = study.students[name]
    params = {
        "network": student.network.model_dump(),
        "method": student.method.model_dump(),
        "evaluation": study.evaluation.model_dump(),
        "surrogates": study.surrogates,
        "seeds": study.seeds.model_dump(include={"runs", "order"}),
    }
    shifts = [CORRUPTIONS[each] for each in study.evaluation.shifts.corruptions]
    return params, [Networks()[student.network.name], METHODS[student.method.name], *shifts]


def _simulate(study: Study, name: str) -> tuple[Entry, list]:
    simulation = study.simulations[name]
    params = simulation.model_dump() | {"seeds": study.seeds.model_dump(exclude={"search"})}
    sources = [LABEL_SOURCES[method.source] for method in simulation.methods.values() if method.source]
    return {**params, "split_seed": study.data.split_seed, "bins": study.report.bins}, sources


def _illustrate(study: Study, name: str) -> tuple[Entry, list]:
    return {**study.illustrations[name].model_dump(), "seed": study.seeds.init}, []


def _report(study: Study, _: None) -> tuple[Entry, list]:
    return study.model_dump(), []
