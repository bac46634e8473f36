"""Are networks trained our way as accurate as networks trained the published way? Test accuracy over several seeds of each.

Both train softcifar's ResNet-8 with the Soft CIFAR study's augmentation and SGD, the same learning rate in every step, epochs,
batch size and one-hot targets: ours by softcifar.training.loop (in whatever precision `auto` chooses, augmentation in batches),
the other by bench.published (float32, PIL and torchvision). On CIFAR-10 where SOFTCIFAR_MIRROR has it, else on shapes. The
difference counts as none within two standard errors; its spread says how large a difference this test would see.
"""

import functools
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.apart import Apart
from bench.inputs import MANIFEST, recipe
from bench.rows import Row, median_row
from softcifar.data.cifar import CIFAR10
from softcifar.data.fetching import mirror
from softcifar.data.shapes import SHAPES
from softcifar.execution import Progress, run_here
from softcifar.execution.device import pick, resolve_precision, threads, workers
from softcifar.methods.prediction import predict_logits
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.recipe import Recipe
from softcifar.progress import bar
from softcifar.training.loop import Task, train
from softcifar.training.schedules import learning_rate

NETWORK, BATCH = "resnet8", 128
LOADERS = 2  # processes that transform images for the published way
VALIDATION = 100  # images that our loop validates on; nothing is chosen by them


def measure(quick: bool, apart: Apart) -> list[Row]:
    seeds, epochs, train_count, test_count = (2, 1, 128, 100) if quick else (5, 6, 4000, 2000)
    device = pick()
    name, data = _data(train_count, test_count)
    settings = recipe(NETWORK, BATCH, epochs, schedule="cosine", milestones=[], checkpoint="last")
    with bar(total=2 * seeds, what="bench parity", unit="network") as shown, TemporaryDirectory() as folder:
        ours = run_here(functools.partial(_ours, settings, data, Path(folder)), range(seeds), progress=lambda: shown.update())
        theirs = []
        for seed in range(seeds):
            arguments = NETWORK, data, _rates(settings, train_count), BATCH, LOADERS, seed, device
            theirs.append(apart("bench.published", "accuracy_after", *arguments))
            shown.update()
    case = f"{NETWORK}, {name}, {train_count} images, {epochs} epochs"
    alone = {"device": device.type, "precision": "float32", "threads": apart.threads, "workers": 1}
    precision = resolve_precision(settings.precision, device)
    many = {"device": device.type, "precision": precision, "threads": threads(), "workers": len(workers())}
    rows = []
    for how, accuracies, where in (("published", theirs, alone), ("ours", ours, many)):
        percent = [100 * accuracy for accuracy in accuracies]
        mean, deviation = statistics.fmean(percent), statistics.stdev(percent)
        rows.append(median_row(f"{how}: accuracy", case, percent, "%", **where))
        rows.append(
            Row(f"{how}: mean accuracy", case, mean, mean - deviation, mean + deviation, "%", seeds,
                "mean, -+ standard deviation", **where)
        )  # fmt: skip
    difference, error = (100 * each for each in mean_difference(ours, theirs))
    rows.append(
        Row("accuracy, ours - published", case, difference, difference - error, difference + error, "points", seeds,
            "difference of means, -+ standard error", **many, bar="within 2 standard errors",
            met="yes" if abs(difference) <= 2 * error else "no")
    )  # fmt: skip
    return rows


def mean_difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """(mean of one - mean of other, its standard error without the assumption of equal variances); two values or more each."""
    error = math.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
    return statistics.fmean(one) - statistics.fmean(other), error


def _rates(settings: Recipe, count: int) -> list[list[float]]:
    steps = -(-count // settings.batch_size)
    return [
        [learning_rate(settings, epoch + (number + 0.5) / steps) for number in range(steps)] for epoch in range(settings.epochs)
    ]


def _ours(settings: Recipe, data: dict[str, np.ndarray], folder: Path, seed: int, report: Progress) -> float:
    task = Task(
        name=f"seed {seed}",
        recipe=settings,
        images=data["images"],
        targets=data["targets"],
        validation_images=data["test_images"][:VALIDATION],
        validation_labels=data["test_labels"][:VALIDATION],
        manifest=MANIFEST,
        init=seed,
        order=seed,
    )
    state = train(task, pick(), folder / f"{seed}.safetensors", lambda *_: None)
    network = classifier(settings.network, MANIFEST, seed=0)
    network.load_state_dict(state.best)
    logits = predict_logits(network.to(pick()), data["test_images"], PLAIN, batch_size=500, seed=0)[0]
    report()
    return float((logits.argmax(axis=1) == data["test_labels"]).mean())


def _data(train_count: int, test_count: int) -> tuple[str, dict[str, np.ndarray]]:
    """(its name, {images, targets, test_images, test_labels})."""
    root = mirror()
    folder = root / "cifar-10-batches-py" if root else None
    if folder and folder.is_dir():
        name, parts = "cifar10", CIFAR10.read(folder)
    else:
        with TemporaryDirectory() as made:
            SHAPES.fetch(Path(made), train=train_count, test=test_count)
            name, parts = "shapes", SHAPES.read(Path(made))
    train_part, test_part = parts["train"], parts["test"]
    return name, {
        "images": train_part.images[:train_count],
        "targets": np.eye(len(MANIFEST["classes"]), dtype=np.float32)[train_part.labels[:train_count]],
        "test_images": test_part.images[:test_count],
        "test_labels": test_part.labels[:test_count],
    }
