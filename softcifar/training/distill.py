"""Distillation: a shallow network learns from a trained student; how well does that student teach? (docs/protocols.md, B)"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.data.splits import Split
from softcifar.errors import UserError
from softcifar.execution import Progress, run_all
from softcifar.execution.device import autocast, pick, resolve_precision
from softcifar.files import atomic_folder, read_json, write_csv, write_json, write_npz
from softcifar.labels.one_hot import hard
from softcifar.losses.distillation import distillation
from softcifar.methods.prediction import predict_logits
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Distillation, Seeds
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.progress import advance, bar
from softcifar.seeding import derive
from softcifar.training.loop import BatchLoss, Task, train
from softcifar.training.matching import matched
from softcifar.training.state import State, Store, keep
from softcifar.training.trained import parameter_count, read_weights, restored, surroundings, write_tensors


@dataclass(frozen=True)
class Lessons:
    """What all runs on one student share, wherever they train."""

    name: str  # of the student that teaches
    recipe: Distillation
    seeds: Seeds
    network: Chosen  # the student's
    method: Chosen
    targets: np.ndarray  # float32 (N, K)
    train_split: Split
    validation: Split
    test: Split
    manifest: dict

    def seeds_of(self, run: int) -> tuple[int, int]:
        """A run's seeds for its weights and its batches."""
        return derive(self.seeds.init + run, "distill"), derive(self.seeds.order + run, "distill")


@dataclass(frozen=True)
class Lesson:
    """One run: the weights of the student's run, the file that they come from, and the file of its state."""

    run: int
    teacher: dict[str, torch.Tensor]
    file: Path
    state: Path


def taught_by(teacher: nn.Module, precision: str, *, alpha: float, temperature: float) -> BatchLoss:
    """The distillation loss against the prediction of `teacher` on the very pixels that the network saw, after augmentation.

    The teacher is put in evaluation mode and gets no gradient. It makes one deterministic pass, also where it predicts with
    several stochastic ones (Monte Carlo dropout): a softened mean over passes would mix two kinds of softness.
    precision: 'bfloat16' or 'float32', of the teacher's pass.
    """
    teacher.eval()

    def loss(pixels: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), autocast(precision, pixels.device):
            teacher_logits = teacher(pixels)
        return distillation(logits, teacher_logits, targets, alpha=alpha, temperature=temperature, reduction="none")

    return loss


def distill(
    name: str,
    recipe: Distillation,
    seeds: Seeds,
    *,
    train_split: Split,
    validation: Split,
    test: Split,
    manifest: dict,
    student: Path,
    states: Store,
    out: Path,
    scores: Path,
) -> None:
    """Train one network of `recipe` on each run of the student `name`; run r learns from the student's run r.

    student: its folder, with about.json (which names the network that tuning chose, and the method) and run_<r>.safetensors.
    Writes `out`: run_<r>.safetensors, history.csv and about.json; and `scores`: logits.npz with validation and test, float32
    (R, 1, N, K), and copies of history.csv and about.json.
    Targets beside the teacher's are the data set's labels, whatever the student learned from. Seeds are the same for every
    student, so that students can be compared run by run. The recipe's loss, method and choose_by play no part.
    Raises UserError where a run of the student is missing, or the loss is no longer finite.
    """
    about = read_json(student / "about.json")
    network, method = Chosen(**about["network"]), Chosen(**about["method"])
    targets = hard(train_split.labels, len(manifest["classes"])).astype(np.float32)
    recipe = matched(recipe, targets, train_split.votes, manifest["image_shape"], "distillation")
    decisive = recipe.model_dump(exclude={"students", "loss", "method", "choose_by"})
    shared = Lessons(name, recipe, seeds, network, method, targets, train_split, validation, test, manifest)
    wanted = []
    for run in range(seeds.runs):
        weights = student / f"run_{run}.safetensors"
        teacher = read_weights(weights)
        state = states.of(decisive, *shared.seeds_of(run), of_inputs(network, weights))
        wanted.append(Lesson(run, teacher, weights, state))
    with bar(total=recipe.epochs * seeds.runs, what=f"distill {name}", unit="epoch") as shown:
        results = run_all(
            functools.partial(_learn, shared),
            wanted,
            progress=functools.partial(advance, shown),
            done=lambda number, learned: keep(wanted[number].state, learned[0]),
        )

    trained = [state for state, _ in results]
    logits = {each: np.stack([of_run[each] for _, of_run in results]) for each in ("validation", "test")}
    about = {
        "student": name,
        "seeds": list(range(seeds.runs)),
        "network": recipe.network.model_dump(),
        "parameters": parameter_count(classifier(recipe.network, manifest, seed=0)),
        "alpha": recipe.alpha,
        "temperature": recipe.temperature,
        "best_epochs": [state.best_epoch for state in trained],
        **surroundings(recipe.precision),
    }
    history = [{"seed": run, **row} for run, state in enumerate(trained) for row in state.history]
    with atomic_folder(out) as models, atomic_folder(scores) as arrays:
        for run, state in enumerate(trained):
            write_tensors(models / f"run_{run}.safetensors", state.best)
        write_npz(arrays / "logits.npz", **logits)
        for folder in (models, arrays):
            write_csv(folder / "history.csv", history)
            write_json(folder / "about.json", about)


def _learn(shared: Lessons, lesson: Lesson, report: Progress) -> tuple[State, dict[str, np.ndarray]]:
    """The final state of one run, and the logits of the kept weights on each split, one deterministic pass: (1, N, K)."""
    recipe, device = shared.recipe, pick()
    teacher = restored(lesson.teacher, lesson.file, shared.network, shared.manifest, device, shared.method)
    init, order = shared.seeds_of(lesson.run)
    precision = resolve_precision(recipe.precision, device)
    task = Task(
        name=f"shallow student of {shared.name}, run {lesson.run}",
        recipe=recipe.model_copy(update={"method": PLAIN}),
        images=shared.train_split.images,
        targets=shared.targets,
        validation_images=shared.validation.images,
        validation_labels=shared.validation.labels,
        manifest=shared.manifest,
        init=init,
        order=order,
        loss=taught_by(teacher, precision, alpha=recipe.alpha, temperature=recipe.temperature),
    )
    state = train(task, device, lesson.state, report)
    network = classifier(recipe.network, shared.manifest, seed=0).to(device, memory_format=torch.channels_last)
    network.load_state_dict(state.best)
    logits = {}
    for each, split in (("validation", shared.validation), ("test", shared.test)):
        logits[each] = predict_logits(network, split.images, PLAIN, batch_size=500, seed=0)
        if not np.isfinite(logits[each]).all():
            raise UserError(
                f"distillation: run {lesson.run} on student {shared.name} gives logits that are not finite on {each}"
            )
    return state, logits
