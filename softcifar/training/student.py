"""Train a student: some runs of every tuned choice, then all runs of the choice that validation prefers."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from softcifar.data.splits import Split
from softcifar.errors import UserError
from softcifar.execution import Progress, run_all
from softcifar.execution.device import pick
from softcifar.files import atomic_folder, write_csv, write_json
from softcifar.methods import METHODS
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.candidates import candidates, label_candidates
from softcifar.params.recipe import Recipe
from softcifar.params.sections import LabelSource, Seeds, Student
from softcifar.progress import advance, bar
from softcifar.training.loop import Task, train
from softcifar.training.matching import matched
from softcifar.training.online import is_online, online_loss
from softcifar.training.refit import together
from softcifar.training.state import State, Store, digest, keep
from softcifar.training.trained import parameter_count, surroundings, write_tensors

APART = 1_000_000  # between the weights' seeds of one run of two initialisations, more than any study has runs


Grown = Callable[[str, int, list[dict]], None]


def _nowhere(*_: object) -> None:
    """Curves that nobody looks at."""


@dataclass(frozen=True)
class Choice:
    """One combination of tuned values, or, where nothing is tuned, one initialisation."""

    values: dict  # by params key
    recipe: Recipe
    source: LabelSource
    labels: int  # its place among the label source's choices
    apart: int = 0  # added to the seed of the initial weights of all its runs


@dataclass(frozen=True)
class Runs:
    """What all runs of a student share, wherever they train."""

    name: str
    choices: list[Choice]
    seeds: Seeds
    train_split: Split
    validation: Split
    targets: np.ndarray  # float32 (C, N, K)
    manifest: dict


@dataclass(frozen=True)
class Wanted:
    """One run of one choice, and the file of its state; refit: on training and validation images together."""

    choice: int
    run: int
    refit: bool
    state: Path


def train_student(
    name: str,
    student: Student,
    seeds: Seeds,
    *,
    train_split: Split,
    validation: Split,
    targets: np.ndarray,
    source: LabelSource,
    manifest: dict,
    states: Store,
    out: Path,
    initialisations: int = 1,
    curves: Grown = _nowhere,
) -> None:
    """Write `out`: run_<r>.safetensors per run, history.csv of all choices, about.json with the choice made.

    targets float32 (C, N, K): for each tuned choice of the label source, rows in the order of the train split.
    initialisations: among how many a student without a tuned value chooses, so that it has what tuned rivals have;
    initialisation c adds c * APART to the seed of the initial weights alone, so that batches, augmentation and dropout of a run
    are the same for all students.
    curves(values of the candidate, '' where there is one; run; rows of the history) is called for epochs as they end.
    With seeds.refit, run_<r> learned from training and validation images with the value chosen, to its last epoch, and
    search_<r>.safetensors are the chosen value's networks of the search, which validation images are new to; history.csv is
    of the search alone then.
    A killed call goes on where it was (softcifar.training.state). Raises UserError where targets do not fit the images, or
    the loss is no longer finite.
    """
    label_choices = label_candidates(source)
    expected = (len(label_choices), len(train_split.images), len(manifest["classes"]))
    if targets.shape != expected:
        raise UserError(f"students.{name}.labels: found targets of shape {targets.shape}; allowed: {expected}")
    method = student.method if METHODS[student.method.name].trains() else PLAIN  # as far as training goes
    choices = [
        Choice(
            {**of_labels, **of_recipe},
            matched(recipe, targets[labels], train_split.votes, manifest["image_shape"], f"students.{name}"),
            chosen,
            labels,
        )
        for labels, (of_labels, chosen) in enumerate(label_choices)
        for of_recipe, recipe in candidates(student)
    ]
    if len(choices) == 1 and initialisations > 1:
        choices = [replace(choices[0], values={"initialisation": c}, apart=c * APART) for c in range(initialisations)]
    shared = Runs(name, choices, seeds, train_split, validation, targets, manifest)

    @functools.cache
    def learned(number: int, refit: bool) -> str:
        choice = choices[number]
        own = targets[choice.labels]
        return digest(together(train_split.images, own, validation, choice.source)[1] if refit else own)

    def wanted(number: int, run: int, refit: bool = False) -> Wanted:
        choice = choices[number]
        # By which score or under which name the run is wanted does not matter.
        recipe = choice.recipe.model_dump(exclude={"labels", "method", "choose_by"})
        online = choice.source if is_online(source.source) else None
        of_run = seeds.init + run + choice.apart, seeds.order + run
        decisive = [recipe, method.model_dump(), *of_run, learned(number, refit), online, *["refit"] * refit]
        return Wanted(number, run, refit, states.of(*decisive))

    search = [wanted(number, run) for number in range(len(choices)) for run in range(seeds.search)]
    further = seeds.runs if seeds.refit else seeds.runs - seeds.search
    epochs = [choice.recipe.epochs for choice in choices]
    with bar(total=seeds.search * sum(epochs) + further * max(epochs), what=f"train {name}", unit="epoch") as shown:
        told = functools.partial(_told, shown, curves)
        trained = _train_all(shared, search, told)
        scores = _scores(trained, len(choices))
        best = best_candidate(scores, student.choose_by)
        shown.update(further * (max(epochs) - epochs[best]))
        if seeds.refit:
            kept = _train_all(shared, [wanted(best, run, refit=True) for run in range(seeds.runs)], told)
        else:
            trained |= _train_all(shared, [wanted(best, run) for run in range(seeds.search, seeds.runs)], told)
            kept = trained

    network = choices[best].recipe.network
    chosen = [kept[best, run] for run in range(seeds.runs)]
    searched = [trained[best, run] for run in range(seeds.search)] if seeds.refit else []
    with atomic_folder(out) as folder:
        for what, states_of in (("run", chosen), ("search", searched)):
            for run, state in enumerate(states_of):
                write_tensors(folder / f"{what}_{run}.safetensors", state.best)
        write_csv(folder / "history.csv", _history(trained, best))
        write_json(
            folder / "about.json",
            {
                "seeds": list(range(seeds.runs)),
                "network": network.model_dump(),
                "method": method.model_dump(),
                "augment": [step.model_dump() for step in choices[best].recipe.augment],
                "parameters": parameter_count(classifier(network, manifest, seed=0, method=method)),
                "candidates": [choice.values for choice in choices],
                "validation": scores,
                "search_runs": seeds.search,
                "refit": seeds.refit,
                "choose_by": student.choose_by,
                "choice": best,
                "best_epochs": [state.best_epoch for state in chosen],
                "fitted": {name: [state.fitted[name] for state in chosen] for name in chosen[0].fitted},
                **surroundings(student.precision),
            },
        )


def _told(shown: tqdm, curves: Grown, epochs: int, text: str, rows: list[dict], values: str, run: int) -> None:
    """What a run reports: epochs for the bar, rows for the curves."""
    advance(shown, epochs, text)
    curves(values, run, rows)


def _train_all(shared: Runs, wanted: list[Wanted], told: Progress) -> dict[tuple[int, int], State]:
    trained = run_all(
        functools.partial(_train, shared),
        wanted,
        progress=told,
        done=lambda number, state: keep(wanted[number].state, state),
    )
    return {(each.choice, each.run): state for each, state in zip(wanted, trained, strict=True)}


def _train(shared: Runs, wanted: Wanted, report: Progress) -> State:
    choice = shared.choices[wanted.choice]
    online = is_online(choice.source.source)
    images, targets, validation = shared.train_split.images, shared.targets[choice.labels], shared.validation
    if wanted.refit:
        images, targets = together(images, targets, validation, choice.source)
    task = Task(
        name=f"student {shared.name}, run {wanted.run}" + (f", {_text(choice.values)}" if choice.values else ""),
        recipe=choice.recipe,
        images=images,
        targets=targets,
        validation_images=None if wanted.refit else validation.images,
        validation_labels=None if wanted.refit else validation.labels,
        manifest=shared.manifest,
        init=shared.seeds.init + wanted.run + choice.apart,
        order=shared.seeds.order + wanted.run,
        loss=online_loss(choice.recipe, choice.source, shared.name) if online else None,
    )
    values = _text(choice.values) if len(shared.choices) > 1 else ""
    return train(task, pick(), wanted.state, lambda *reported: report(*reported, values, wanted.run))


def _text(choice: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in choice.items())


def _scores(trained: dict[tuple[int, int], State], count: int) -> dict[str, list[float]]:
    """Validation scores of every candidate at the epochs kept, means over its runs: {"nll", "accuracy", "ece"}."""
    kept = {key: next(row for row in state.history if row["epoch"] == state.best_epoch) for key, state in trained.items()}

    def mean(score: str, candidate: int) -> float:
        return float(np.mean([row[f"validation_{score}"] for key, row in kept.items() if key[0] == candidate]))

    return {score: [mean(score, candidate) for candidate in range(count)] for score in ("nll", "accuracy", "ece")}


def _history(trained: dict[tuple[int, int], State], choice: int) -> list[dict]:
    return [
        {"candidate": candidate, "seed": run, **row, "chosen": int(candidate == choice)}
        for (candidate, run), state in sorted(trained.items())
        for row in state.history
    ]


def best_candidate(scores: dict[str, list[float]], criterion: str) -> int:
    """The candidate with the best validation score (a mean over runs), the first of equals.

    scores: {"nll", "accuracy", "ece"} -> one number per candidate; criterion: one of them.
    """
    sign = -1 if criterion == "accuracy" else 1
    return min(range(len(scores[criterion])), key=lambda candidate: sign * scores[criterion][candidate])
