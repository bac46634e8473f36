"""Train a student: every run of every tuned choice, then keep the choice with the lowest validation NLL."""

from pathlib import Path

import numpy as np
import pandas as pd

from softcifar.device import pick
from softcifar.errors import UserError
from softcifar.execution import run_all
from softcifar.files import atomic_folder, write_json
from softcifar.models.classifier import classifier
from softcifar.params import Seeds, Student
from softcifar.progress import bar
from softcifar.splits import Split
from softcifar.training.loop import Task, train
from softcifar.training.state import Folder, State
from softcifar.training.trained import arithmetic, parameter_count, versions, write_tensors
from softcifar.training.tuning import candidates, choose


def train_student(
    name: str,
    student: Student,
    seeds: Seeds,
    *,
    train_split: Split,
    validation: Split,
    targets: np.ndarray,
    manifest: dict,
    states: Folder,
    out: Path,
) -> None:
    """Write `out`: run_<r>.safetensors per run, history.csv of all choices, about.json with the choice made.

    targets float32 (N, K), in the order of the train split. A killed call goes on where it was (softcifar.training.state).
    Raises UserError where targets do not fit the images, or the loss is no longer finite.
    """
    expected = (len(train_split.images), len(manifest["classes"]))
    if targets.shape != expected:
        raise UserError(f"students.{name}.labels: found targets of shape {targets.shape}; allowed: {expected}")
    device = pick()
    choices = candidates(student)
    tasks = [
        Task(
            name=f"student {name}, run {run}" + (f", {_text(choice)}" if choice else ""),
            recipe=recipe,
            images=train_split.images,
            targets=targets,
            validation_images=validation.images,
            validation_labels=validation.labels,
            manifest=manifest,
            init=seeds.init + run,
            order=seeds.order + run,
        )
        for choice, recipe in choices
        for run in range(seeds.runs)
    ]
    with bar(total=sum(task.recipe.epochs for task in tasks), what=f"train {name}", unit="epoch") as shown:

        def one(numbered: tuple[int, Task]) -> State:
            number, task = numbered
            state = train(task, device, states.of(f"{number:04d}"), lambda text: _advance(shown, text))
            shown.update(sum(other.recipe.epochs for other in tasks[: number + 1]) - shown.n)
            return state

        trained = run_all(one, list(enumerate(tasks)))

    kept = [next(row for row in state.history if row["epoch"] == state.best_epoch) for state in trained]
    nll = np.array([row["validation_nll"] for row in kept]).reshape(len(choices), seeds.runs).mean(axis=1)
    choice = choose(nll.tolist())
    network = choices[choice][1].network
    chosen = trained[choice * seeds.runs : (choice + 1) * seeds.runs]
    with atomic_folder(out) as folder:
        for run, state in enumerate(chosen):
            write_tensors(folder / f"run_{run}.safetensors", state.best)
        _history(trained, seeds.runs, choice).to_csv(folder / "history.csv", index=False, lineterminator="\n")
        write_json(
            folder / "about.json",
            {
                "seeds": list(range(seeds.runs)),
                "network": network.model_dump(),
                "parameters": parameter_count(classifier(network, manifest, seed=0)),
                "candidates": [values for values, _ in choices],
                "validation_nll": nll.tolist(),
                "choice": choice,
                "best_epochs": [state.best_epoch for state in chosen],
                "versions": versions(),
                **arithmetic(student.precision, device),
            },
        )
    states.remove()


def _advance(shown, text: str) -> None:
    shown.set_postfix_str(text, refresh=False)
    shown.update()


def _text(choice: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in choice.items())


def _history(trained: list[State], runs: int, choice: int) -> pd.DataFrame:
    rows = [
        {"candidate": number // runs, "seed": number % runs, **row, "chosen": int(number // runs == choice)}
        for number, state in enumerate(trained)
        for row in state.history
    ]
    return pd.DataFrame(rows)
