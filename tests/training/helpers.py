"""A small network to train, and students, teachers and shallow networks of it."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from softcifar.labels.uniform import uniform
from softcifar.models.classifier import classifier
from softcifar.params.candidates import label_candidates
from softcifar.params.chosen import Chosen
from softcifar.params.recipe import Recipe
from softcifar.params.sections import Distillation, LabelSource, Seeds, Student, Teacher
from softcifar.training.crossfit import teach
from softcifar.training.distill import distill
from softcifar.training.loop import Task
from softcifar.training.state import Store
from softcifar.training.student import train_student

CPU = torch.device("cpu")
SMALL = {
    "network": "resnet8", "method": "softmax", "loss": "cross_entropy", "augment": ["crop_flip"], "epochs": 4,
    "batch_size": 16, "optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0005,
    "schedule": "cosine", "milestones": [], "factor": 0.1, "warmup": 0, "finetune": 0, "checkpoint": "best", "choose_by": "nll",
    "precision": "float32", "compile": False,
}  # fmt: skip
SEEDS = Seeds(runs=2, search=1, init=0, order=0)
DISTILLATION = {
    **SMALL, "students": {"a": None}, "alpha": 0.9, "temperature": 4.0, "network": "shallow", "optimizer": "adam",
    "momentum": 0, "nesterov": False, "lr": 0.005, "epochs": 3,
}  # fmt: skip


class Killed(Exception):
    pass


def recipe(**changes) -> Recipe:
    return Recipe.model_validate({**SMALL, **changes})


def make_task(splits, **changes) -> Task:
    train_split, validation, manifest = splits
    return Task(
        name="student a",
        recipe=recipe(**changes),
        images=train_split.images,
        targets=np.eye(2, dtype=np.float32)[train_split.labels],
        validation_images=validation.images,
        validation_labels=validation.labels,
        manifest=manifest,
        init=0,
        order=0,
    )


def no_progress(*_: object) -> None:
    pass


def same(one: dict, two: dict) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def label_source(source) -> LabelSource:
    return LabelSource.model_validate({"source": source} if isinstance(source, str) else source)


def targets_of(source, labels: np.ndarray) -> np.ndarray:
    """float32 (C, N, 2), as stage soften writes them."""
    made = [uniform(labels, 2, **one.options) if one.source == "uniform" else np.eye(2)[labels]
            for _, one in label_candidates(label_source(source))]  # fmt: skip
    return np.stack(made).astype(np.float32)


def run_student(
    splits, tmp_path, name="a", state=None, source="hard", seeds=SEEDS, initialisations=1, curves=no_progress, **changes
):
    train_split, validation, manifest = splits
    out = tmp_path / name
    train_student(
        name,
        Student.model_validate({**SMALL, "labels": "hard", **changes}),
        seeds,
        train_split=train_split,
        validation=validation,
        targets=targets_of(source, train_split.labels),
        manifest=manifest,
        states=Store(tmp_path / ".state" / (state or name), "x"),
        source=label_source(source),
        out=out,
        initialisations=initialisations,
        curves=curves,
    )
    return out, pd.read_csv(out / "history.csv"), json.loads((out / "about.json").read_text())


def run_teacher(splits, tmp_path, folds: int):
    train_split, validation, manifest = splits
    teacher = Teacher.model_validate({**SMALL, "folds": folds, "epochs": 3})
    teach("t", teacher, SEEDS, 0, train_split=train_split, validation=validation, manifest=manifest,
          states=Store(tmp_path / f"state{folds}", "x"), out=tmp_path / f"{folds}")  # fmt: skip
    return np.load(tmp_path / f"{folds}/logits.npz"), teacher


def write_student(folder, manifest, network=None, change=lambda number, weights: None) -> None:
    """A student of two untrained runs; `change` may edit the weights of a run before they are written."""
    network = network or {"name": "resnet8", "options": {}}
    folder.mkdir(parents=True)
    (folder / "about.json").write_text(json.dumps({"network": network, "method": {"name": "softmax", "options": {}}}))
    for number in range(2):
        weights = classifier(Chosen(**network), manifest, seed=number).state_dict()
        change(number, weights)
        save_file(weights, folder / f"run_{number}.safetensors")


def run_distillation(splits, student, name="one", store="store", **changes):
    """Distil; returns the folders of models and scores."""
    train_split, validation, manifest = splits
    out, scores = student.parent / name / "models", student.parent / name / "scores"
    distill(
        "a", Distillation.model_validate({**DISTILLATION, **changes}), SEEDS, train_split=train_split, validation=validation,
        test=dataclasses.replace(train_split, images=train_split.images[:7], labels=train_split.labels[:7]),
        manifest=manifest, student=student, states=Store(student.parent / store, "x"), out=out, scores=scores,
    )  # fmt: skip
    return out, scores


def contents(*folders: Path) -> dict[str, bytes]:
    """The bytes of all files, by folder and name."""
    return {f"{folder.name}/{path.name}": path.read_bytes() for folder in folders for path in folder.iterdir()}
