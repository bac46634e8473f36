"""Seconds until networks are as accurate as published: the published way against ours, on this machine, in one call.

Two claims: SOFT_CIFAR (the part `accuracy`) and CIFAR10 (the part `accuracy_cifar10`, half an hour and more on 2 cores, so only
where it is named).

published  its accuracy is the publication's word; nothing is trained to it here. Its time is extrapolated: the images of its
           published epochs over the images per second of bench.published, measured here over short epochs of random images,
           one network on all cores, before every length of ours and after the last. Validation is not counted
ours       RUNS networks side by side on all cores by a study's recipe on the network `airbench`, with longer and longer
           trainings until the mean accuracy of the runs passes the published one. The time of a run is that of all of them,
           processes' starts included, over their number, as the seconds per seed of bench.scaling are; so a core that is idle
           while the last run ends counts against us. A training that was too short is not in the time of the one that passes

Accuracy is that of the last epoch, one pass per test image. Test images: run r of SOFT_CIFAR has split r of CIFAR-10's test
images (8,000 to train on, 1,500 to test), as the publication's test images change with its seeds; 1,500 images alone leave a
standard error of 1 point on a run, whatever its training. Ours are scored on the data set's labels, the publication scores
students of votes on votes. CIFAR10 has the 10,000 official ones on both sides, and all 50,000 training images. The lengths are
tried in rising order on the same seeds, so the first mean that passes is a little lucky: the rows hold every length tried.
Data are read from the folder that SOFTCIFAR_MIRROR names; without it nothing is measured.
"""

import dataclasses
import functools
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from bench.apart import Apart
from bench.inputs import MANIFEST, random_images
from bench.rows import Row, median_row
from bench.training import LOADERS
from softcifar.data.cifar import CIFAR10 as CIFAR10_FILES
from softcifar.data.cifar10h import CIFAR10H
from softcifar.data.fetching import MIRROR, mirror
from softcifar.data.patches import patch_covariance
from softcifar.data.protocols import cifar10h
from softcifar.execution import Progress, run_here
from softcifar.execution.device import cores, pick, resolve_precision, threads, workers
from softcifar.labels.human import human
from softcifar.methods.prediction import predict_logits
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.candidates import candidates
from softcifar.params.recipe import Recipe
from softcifar.params.study import load
from softcifar.progress import advance, bar
from softcifar.training.loop import Task, train

STUDIES = Path(__file__).parents[1] / "studies"
RUNS = 3
ROUNDS = 2  # measurements of the published rate before every length of ours and after the last


class Images(NamedTuple):
    """What one run learns from and is tested on."""

    images: np.ndarray
    targets: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Claim:
    """A published accuracy, what it took, and what we try instead."""

    name: str
    accuracy: float  # published, in percent
    network: str  # the published one, with its batch size, epochs, images of an epoch and transforms (bench.published)
    batch: int
    epochs: int
    images: int
    transform: str
    study: str  # ours: the recipe of a student of this study
    student: str
    lengths: tuple[int, ...]  # epochs, rising
    data: Callable[[Path, int], list[Images]]  # of each run, from the mirror
    needs: tuple[str, ...]  # folders of the mirror
    times: float  # how many times as fast ours should be on a CPU

    @property
    def goal(self) -> str:
        return f"{self.name}, {self.accuracy:.4g} %"


class Tried(NamedTuple):
    """One length of ours: seconds from the first run's start to the last one's end, accuracies in percent."""

    epochs: int
    seconds: float
    accuracies: list[float]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.accuracies)


def _soft_cifar(root: Path, runs: int) -> list[Images]:
    """People's labels of 8,000 of CIFAR-10's test images, and 1,500 others; a split of its own for every run."""
    votes = CIFAR10H.read_votes(root / "cifar-10h")["test"]
    part = dataclasses.replace(CIFAR10_FILES.read(root / "cifar-10-batches-py")["test"], votes=votes)
    targets = human(votes).astype(np.float32)
    found = []
    for run in range(runs):
        (split,) = cifar10h({"test": part}, {"train": 8000, "validation": 500, "test": 1500}, seed=run)
        learned, tested = split["train"][1], split["test"][1]
        found.append(Images(part.images[learned], targets[learned], part.images[tested], part.labels[tested]))
    return found


def official(root: Path, runs: int) -> list[Images]:
    """The data set's labels of its 50,000 training images, and its 10,000 test images."""
    parts = CIFAR10_FILES.read(root / "cifar-10-batches-py")
    targets = np.eye(len(MANIFEST["classes"]), dtype=np.float32)[parts["train"].labels]
    return [Images(parts["train"].images, targets, parts["test"].images, parts["test"].labels)] * runs


# Laing, Soft CIFAR: the plain network that learned from votes, without MixUp or CutMix (docs/protocols.md, A).
SOFT_CIFAR = Claim(
    "Soft CIFAR", 82.92, "resnet20", 128, 250, 8000, "augmented", "cifar10h_grid", "human", (12, 16, 20, 28), _soft_cifar,
    ("cifar-10-batches-py", "cifar-10h"), 40
)  # fmt: skip
# Idelbayev, github.com/akamaster/pytorch_resnet_cifar10: test error 8.27 %, the lowest of its epochs (He et al. 2016: 8.75 %).
CIFAR10 = Claim(
    "CIFAR-10", 91.73, "resnet20", 128, 200, 50_000, "shifted", "cifar10_quick", "plain", (16, 20, 28), official,
    ("cifar-10-batches-py",), 20
)  # fmt: skip


def measure(claim: Claim, quick: bool, apart: Apart) -> list[Row]:
    recipe = _recipe(claim)
    if quick:  # three steps of noise an epoch; any accuracy passes
        claim = dataclasses.replace(claim, name="noise", accuracy=0.0, network="resnet8", batch=16, images=48, lengths=(2, 3))
        recipe = recipe.model_copy(update={"batch_size": 16})
        data = [noise(run) for run in range(RUNS)]
    else:
        root = mirror()
        if root is None or not all((root / folder).is_dir() for folder in claim.needs):
            wanted = " and ".join(claim.needs)
            print(f"bench accuracy, {claim.name}: not measured; {MIRROR} names no folder with {wanted}", file=sys.stderr)
            return []
        data = claim.data(root, RUNS)
    tried, rates = [], {}
    with bar(total=RUNS * sum(claim.lengths), what=f"bench accuracy, {claim.name}, at most", unit="epoch") as shown:
        for epochs in claim.lengths:
            shown.set_postfix_str("the published way's rate")
            _measure_published(claim, quick, apart, rates)
            tried.append(_try(claim, recipe, epochs, data, lambda *told: advance(shown, *told)))
            if tried[-1].mean >= claim.accuracy:
                break
        _measure_published(claim, quick, apart, rates)
    return rows(claim, named(recipe), tried, rates, precision_of(recipe), apart.threads)


def _recipe(claim: Claim) -> Recipe:
    """The student's, as the study has it."""
    ((_, recipe),) = candidates(load(STUDIES / claim.study / "params.yaml").students[claim.student])
    return recipe


def lengthened(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe with so many epochs, as large a share of them warm-up."""
    return recipe.model_copy(update={"epochs": epochs, "warmup": recipe.warmup * epochs / recipe.epochs})


def noise(run: int) -> Images:
    images, targets, _ = random_images(48, seed=run)
    test_images, _, test_labels = random_images(20, seed=RUNS + run)
    return Images(images, targets, test_images, test_labels)


def _measure_published(claim: Claim, quick: bool, apart: Apart, rates: dict[int, list[float]]) -> None:
    """Add ROUNDS rates, in images/s, of the number of loader processes that serves best; the first call tries all of them."""
    count = 32 if quick else 8192 if pick().type == "cuda" else 2048
    if not rates:
        trials = {}
        for loaders in LOADERS if quick else sorted({*LOADERS, cores()}):
            trials[loaders] = _published_rate(claim, count, loaders, apart)
        rates[max(trials, key=trials.get)] = []
    ((loaders, measured),) = rates.items()
    measured += [_published_rate(claim, count, loaders, apart) for _ in range(ROUNDS)]


def _published_rate(claim: Claim, count: int, loaders: int, apart: Apart) -> float:
    arguments = claim.network, claim.batch, count, loaders, pick(), claim.transform
    return apart("bench.published", "images_per_second", *arguments)


def _try(claim: Claim, recipe: Recipe, epochs: int, data: list[Images], told: Progress) -> Tried:
    longer = lengthened(recipe, epochs)
    with TemporaryDirectory(prefix="softcifar-bench-") as folder:
        started = time.perf_counter()
        weights = run_here(functools.partial(train_run, longer, data, Path(folder)), range(len(data)), progress=told)
        seconds = time.perf_counter() - started
    accuracies = run_here(functools.partial(accuracy_of_run, longer, data), list(enumerate(weights)))
    told(0, f"{epochs} epochs: {statistics.fmean(accuracies):.2f} %, published {claim.accuracy:.2f} %")
    return Tried(epochs, seconds, accuracies)


def train_run(recipe: Recipe, data: list[Images], folder: Path, run: int, report: Progress) -> dict:
    """The weights after the last epoch. What the network knows of the images beforehand is counted here, within the time."""
    images, targets, _, _ = data[run]
    manifest = MANIFEST | {"covariance": patch_covariance(images, MANIFEST["mean"], MANIFEST["std"])}
    task = Task(
        name=f"run {run}",
        recipe=recipe,
        images=images,
        targets=targets,
        validation_images=None,
        validation_labels=None,
        manifest=manifest,
        init=run,
        order=run,
    )
    return train(task, pick(), folder / f"{run}.safetensors", lambda *told: report(*told[:2])).best


def accuracy_of_run(recipe: Recipe, data: list[Images], trained: tuple[int, dict], _: Progress) -> float:
    """Accuracy on the run's test images, in percent."""
    run, weights = trained
    unknown = np.eye(4 * MANIFEST["image_shape"][2]).tolist()  # the covariance, which is in the weights
    network = classifier(recipe.network, MANIFEST | {"covariance": unknown}, seed=0)
    network.load_state_dict(weights)
    logits = predict_logits(network.to(pick()), data[run].test_images, PLAIN, batch_size=500, seed=0)[0]
    return 100 * float((logits.argmax(axis=1) == data[run].test_labels).mean())


def named(recipe: Recipe) -> str:
    widths = [value for name, value in recipe.network.options.items() if name.startswith("width")]
    return f"{recipe.network.name} {'/'.join(map(str, widths))}"


def precision_of(recipe: Recipe) -> str:
    return resolve_precision(recipe.precision, pick())


def rows(
    claim: Claim, ours: str, tried: Sequence[Tried], rates: dict[int, list[float]], precision: str, all_cores: int
) -> list[Row]:
    """tried: lengths in rising order, of which the last alone may have passed; rates: {loader processes: images/s}."""
    device = pick().type
    alone = {"device": device, "precision": "float32", "threads": all_cores, "workers": 1}
    many = {"device": device, "precision": precision, "threads": threads(), "workers": min(len(workers()), RUNS)}
    ((loaders, measured),) = rates.items()
    theirs = [claim.epochs * claim.images / rate for rate in measured]
    loop = f"{claim.network}, batch {claim.batch}, {loaders} loaders"
    extent = f"{claim.epochs} epochs of {claim.images:,} images"
    found = [
        median_row("published: rate", f"{claim.name}, {loop}", measured, "images/s", **alone),
        median_row("published: time of a run", f"{claim.goal}, extrapolated to {extent}", theirs, "s", **alone),
    ]
    for each in tried:
        case, deviation = f"{claim.name}, {ours}, {each.epochs} epochs", statistics.stdev(each.accuracies)
        found.append(
            Row("ours: mean accuracy", case, each.mean, each.mean - deviation, each.mean + deviation, "%",
                len(each.accuracies), "mean, -+ standard deviation", **many)
        )  # fmt: skip
        found.append(median_row("ours: time of a run", case, [each.seconds / len(each.accuracies)], "s", **many))
    best = max(tried, key=lambda each: each.mean)
    passed = tried[-1].mean >= claim.accuracy
    reached = f"{best.mean:.2f} % after {best.epochs} epochs"
    if passed:
        seconds, outcome = best.seconds / len(best.accuracies), reached
    else:
        seconds, outcome = math.inf, f"not reached, best mean {reached}"
    case = f"{claim.goal}, {ours}: {outcome}"
    shares = [each / seconds for each in theirs]  # 0 where it was not reached
    wanted = {"bar": f"mean of {RUNS} runs >= {claim.accuracy:.4g} %", "met": "yes" if passed else "no"}
    fast = {"bar": f">= {claim.times:g}", "met": "yes" if statistics.median(shares) >= claim.times else "no"}
    return [
        *found,
        median_row("ours: time to published accuracy", case, [seconds], "s", **many, **wanted),
        median_row("time to accuracy, published / ours", case, shares, "ratio", **many, **(fast if device == "cpu" else {})),
    ]
