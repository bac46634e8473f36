"""Cross-fitted teachers: every training image gets logits from a network that did not see it.

A network scored on its own training images is near certain of them and carries next to no instance information.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold

from softcifar.calibrators.temperature import fit_temperature
from softcifar.data.splits import Split
from softcifar.errors import UserError
from softcifar.execution import Progress, run_all
from softcifar.execution.device import pick
from softcifar.files import atomic_folder, write_json, write_npz
from softcifar.labels.one_hot import hard
from softcifar.methods.prediction import predict_logits
from softcifar.metrics.likelihood import accuracy, negative_log_likelihood
from softcifar.metrics.predictive import predictive
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.sections import Seeds, Teacher
from softcifar.progress import advance, bar
from softcifar.seeding import derive
from softcifar.training.loop import Task, train
from softcifar.training.matching import matched
from softcifar.training.state import State, Store, keep
from softcifar.training.trained import surroundings, write_tensors


@dataclass(frozen=True)
class Folds:
    """What all folds of a teacher share, wherever they train."""

    name: str
    teacher: Teacher
    seeds: Seeds
    fold: np.ndarray  # of every training image
    targets: np.ndarray  # float32 (N, K)
    train_split: Split
    validation: Split
    manifest: dict

    def seeds_of(self, number: int) -> tuple[int, int]:
        """A fold's seeds for its weights and its batches."""
        return derive(self.seeds.init, "teacher", number), derive(self.seeds.order, "teacher", number)


def fold_of(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold (0..folds-1) of every image, each fold with the same share of every class; int64 (N,)."""
    rarest = np.bincount(labels).min(initial=len(labels), where=np.bincount(labels) > 0)
    if folds > rarest:
        raise UserError(f"teachers: found folds {folds}, but a class has {rarest} training images; allowed: at most that")
    fold = np.zeros(len(labels), dtype=np.int64)
    if folds > 1:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=derive(seed, "folds") % 2**32)
        for number, (_, held_out) in enumerate(splitter.split(labels, labels)):
            fold[held_out] = number
    return fold


def teach(
    name: str,
    teacher: Teacher,
    seeds: Seeds,
    split_seed: int,
    *,
    train_split: Split,
    validation: Split,
    manifest: dict,
    states: Store,
    out: Path,
) -> None:
    """Write `out`: fold_<f>.safetensors, about.json, and logits.npz: logits float32 (N, K), fold, index, temperature.

    Rows of logits.npz are the training images in their order. split_seed decides the folds. Teachers learn from the
    data set's labels. With folds 1 the one network sees every image (the published, in-sample way).
    Every network makes equally many steps, whatever `folds` is: one that sees fewer images sees some more often in an epoch.
    The temperature is fitted on images the teacher did not see: the held-out folds, or validation with folds 1.
    """
    fold = fold_of(train_split.labels, teacher.folds, split_seed)
    targets = hard(train_split.labels, len(manifest["classes"])).astype(np.float32)
    teacher = matched(teacher, targets, train_split.votes, manifest["image_shape"], f"teachers.{name}")
    shared = Folds(name, teacher, seeds, fold, targets, train_split, validation, manifest)
    wanted = [(number, states.of(teacher.model_dump(), split_seed, number, *shared.seeds_of(number)))
              for number in range(teacher.folds)]  # fmt: skip
    with bar(total=teacher.epochs * teacher.folds, what=f"teach {name}", unit="epoch") as shown:
        trained = run_all(
            functools.partial(_train, shared),
            wanted,
            progress=functools.partial(advance, shown),
            done=lambda number, learned: keep(wanted[number][1], learned[0]),
        )

    logits = np.zeros((len(fold), len(manifest["classes"])), dtype=np.float32)
    for number, (_, held_out, _) in enumerate(trained):
        logits[fold == number] = held_out
    if teacher.folds > 1:
        unseen_logits, unseen_labels = logits, train_split.labels
    else:
        unseen_logits, unseen_labels = trained[0][2], validation.labels
    temperature = fit_temperature(unseen_logits[None], unseen_labels)
    probs = predictive(logits[None])
    with atomic_folder(out) as folder:
        for number, (state, _, _) in enumerate(trained):
            write_tensors(folder / f"fold_{number}.safetensors", state.best)
        write_npz(
            folder / "logits.npz",
            logits=logits,
            fold=fold,
            index=train_split.index,
            temperature=np.float64(temperature),
        )
        write_json(
            folder / "about.json",
            {
                "folds": teacher.folds,
                "temperature": temperature,
                "accuracy": accuracy(probs, train_split.labels),
                "negative_log_likelihood": negative_log_likelihood(probs, train_split.labels),
                "best_epochs": [state.best_epoch for state, _, _ in trained],
                **surroundings(teacher.precision),
            },
        )


def _train(shared: Folds, wanted: tuple[int, Path], report: Progress) -> tuple[State, np.ndarray, np.ndarray]:
    """One fold's final state, and its network's logits on the images of its fold and on validation, float32 (N, K)."""
    number, state_file = wanted
    teacher, images, device = shared.teacher, shared.train_split.images, pick()
    held_out = shared.fold == number
    seen = ~held_out if teacher.folds > 1 else held_out
    init, order = shared.seeds_of(number)
    task = Task(
        name=f"teacher {shared.name}, fold {number}",
        recipe=teacher,
        images=images[seen],
        targets=shared.targets[seen],
        validation_images=shared.validation.images,
        validation_labels=shared.validation.labels,
        manifest=shared.manifest,
        init=init,
        order=order,
        images_per_epoch=len(images),  # a fold makes as many steps as a network that sees every image
    )
    state = train(task, device, state_file, report)
    network = classifier(teacher.network, shared.manifest, seed=0, method=teacher.method).to(device)
    network.load_state_dict(state.best)
    sets = (images[held_out], shared.validation.images)
    return state, *(predict_logits(network, each, PLAIN, batch_size=500, seed=0)[0] for each in sets)
