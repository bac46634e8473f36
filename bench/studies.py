"""What whole studies cost to train on this machine: the images trained on, over the rate measured for each kind of training.

A kind is all that changes the cost of a step: network, uncertainty method, loss, augmentation, batch size, precision. Each is
trained on random images by our own loop, as many networks side by side as stage train has. Counted: every epoch of every
teacher, tuned value, run and shallow student. Not counted: the teacher's own pass in distillation, validation beyond a hundred
images an epoch, and evaluation, whose cost the part `evaluation` and every student's about.json tell.
"""

import dataclasses
import functools
import statistics
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bench.inputs import random_task
from bench.rows import Row, median_row
from bench.timing import side_by_side
from softcifar.execution.device import pick, resolve_precision, threads, workers
from softcifar.methods import METHODS
from softcifar.models.classifier import PLAIN
from softcifar.params.candidates import candidates, label_candidates
from softcifar.params.recipe import Recipe
from softcifar.params.study import Study, load
from softcifar.progress import bar
from softcifar.training.loop import train

FOLDER = Path(__file__).parents[1] / "studies"
STUDIES = ("cifar10h", "cifar10")
OFFICIAL = {"cifar10": 50_000, "cifar100": 50_000, "mnist": 60_000, "fashion_mnist": 60_000}  # training images
BATCHES, VALIDATION = 16, 100  # of an epoch that is timed


def measure(quick: bool, _: object) -> list[Row]:
    studies = {name: work(load(FOLDER / name / "params.yaml")) for name in (("smoke",) if quick else STUDIES)}
    recipes = {kind(recipe): recipe for trainings in studies.values() for recipe, _ in trainings}
    rates: dict[str, list[float]] = {each: [] for each in recipes}
    rounds = 1 if quick else 3
    with bar(total=rounds * len(recipes), what="bench studies", unit="run") as shown:
        for _ in range(rounds):
            for each, recipe in recipes.items():
                rates[each].append(_rate(recipe, 1 if quick else BATCHES))
                shown.update()
    return [row for name, trainings in studies.items() for row in _rows(name, trainings, rates)]


def work(study: Study) -> list[tuple[Recipe, int]]:
    """(recipe, images trained on) of every teacher, student and shallow student of a study of official training images."""
    images = study.data.sizes.train or OFFICIAL[study.datasets[study.data.images].source] - study.data.sizes.validation
    seeds, splits = study.seeds, study.data.splits
    search = seeds.search * splits
    trainings: list[tuple[Recipe, int]] = []
    for teacher in study.teachers.values():
        # a fold draws as many as there are in all
        trainings.append((teacher, teacher.epochs * images * teacher.folds * splits))
    for name, student in study.students.items():
        tried = [one for _ in label_candidates(study.labels[student.labels]) for _, one in candidates(student)]
        trainings += [(one, one.epochs * images * search) for one in tried * study.initialisations(name)]
        longest = max(tried, key=lambda one: one.epochs)  # which one is chosen is not known before
        further = (seeds.runs - search) * images
        if seeds.refit:
            further = seeds.runs * (images + study.data.sizes.validation)
        trainings.append((longest, longest.epochs * further))
    if shallow := study.distillation:
        trainings += [(shallow, shallow.epochs * images * seeds.runs) for _ in shallow.students]
    return trainings


def kind(recipe: Recipe) -> str:
    """Recipes of one kind take equally long for an image."""
    plain = recipe.model_dump(include={"network", "loss", "augment", "batch_size", "precision", "optimizer", "compile"})
    return repr((plain, _trained_method(recipe)))


def _trained_method(recipe: Recipe) -> dict:
    return (recipe.method if METHODS[recipe.method.name].trains() else PLAIN).model_dump()


def _rate(recipe: Recipe, batches: int) -> float:
    """Images per second of all networks side by side."""
    return len(workers()) * batches * recipe.batch_size / side_by_side(functools.partial(_prepare, recipe, batches))


def _prepare(recipe: Recipe, batches: int, folder: Path, number: int) -> Callable[[], object]:
    like = random_task("resnet8", recipe.batch_size, batches * recipe.batch_size, validation=VALIDATION, epochs=1, seed=number)
    one = recipe.model_copy(update={"epochs": 1, "warmup": 0, "milestones": [], "schedule": "constant", "finetune": 0})
    task = dataclasses.replace(like, recipe=one)
    return functools.partial(train, task, pick(), folder / f"{number}.safetensors", lambda *_: None)


def _rows(name: str, trainings: list[tuple[Recipe, int]], rates: dict[str, list[float]]) -> list[Row]:
    trained: Counter[str] = Counter()
    for recipe, images in trainings:
        trained[kind(recipe)] += images
    precision = resolve_precision(trainings[0][0].precision, pick())
    where = {"device": pick().type, "precision": precision, "threads": threads(), "workers": len(workers())}
    hours = [sum(images / rates[each][place] for each, images in trained.items()) / 3600
             for place in range(len(next(iter(rates.values()))))]  # fmt: skip
    total = sum(trained.values())
    speed = statistics.median(total / (each * 3600) for each in hours)
    return [
        median_row("study, images trained on", name, [total / 1e6], "10^6 images", **where),
        median_row("study, mean rate", name, [speed], "images/s", **where),
        median_row("study, training", name, hours, "hours of this machine", **where),
    ]
