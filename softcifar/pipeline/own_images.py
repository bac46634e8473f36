"""What can be said of a user's own images before anything runs: whether they can be split, and how long training will take."""

import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from softcifar.data import npz
from softcifar.data.images import Images
from softcifar.errors import UserError, cut
from softcifar.params.chosen import Chosen
from softcifar.params.recipe import Recipe
from softcifar.params.sections import Data, Dataset
from softcifar.params.study import Study

LONG = 3600  # seconds of training of which a shorter way is named
BATCH, SIDE = 32, 32  # images of the measurement, pixels a side at most
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def splittable(data: Data, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Why images of a user's own file cannot be split as params want it, so that prepare need not find it out."""
    from softcifar.data.protocols import PROTOCOLS  # here, since few studies need it

    dataset = datasets.get(data.images)
    if dataset is None or dataset.source != "npz" or data.protocol not in PROTOCOLS or data.votes:
        return
    found = _labels(dataset)
    if not found:
        return  # what is wrong with the file its stage says
    classes = found.pop("classes", None)
    parts = {part: Images(labels, labels, labels[:, None]) for part, labels in found.items()}
    try:
        PROTOCOLS[data.protocol](parts, data.sizes.model_dump(), data.split_seed, data.splits)
    except UserError as error:
        labels = found["test" if data.protocol == "cifar10h" else "train"]
        values, counts = np.unique(labels, return_counts=True)
        rarest = values[counts.argmin()]
        if isinstance(error.__context__, ValueError):  # what scikit-learn said, in other words
            name = f"'{cut(str(classes[rarest]))}'" if classes is not None else rarest
            many = f"{counts.min()} images" if counts.min() > 1 else "1 image"
            yield (
                f"data.images: '{data.images}' has {many} of the class {name}, too few for training, validation and test to "
                "have some of each class; allowed: more of them (10 or more, say), or none"
            )
        else:
            yield str(error)


def _labels(dataset: Dataset) -> dict[str, np.ndarray]:
    """{"train", "test" where it is there, "classes" likewise}; nothing of a file that is missing or unfit."""
    try:
        file = npz.locate(dataset.options["path"])
        with np.load(file, allow_pickle=False) as arrays:
            names = {"train": "labels", "test": "test_labels", "classes": "classes"}
            found = {part: arrays[name] for part, name in names.items() if name in arrays.files}
    except Exception:
        return {}
    count, fit = dataset.options["count"], {"train", *found} - {"classes"}
    if any(part not in found or found[part].ndim != 1 or found[part].dtype.kind not in "iu" for part in fit):
        return {}
    if any(not len(found[part]) or found[part].min() < 0 for part in fit):
        return {}
    most = max(int(found[part].max()) for part in fit)
    if "classes" in found and (found["classes"].ndim != 1 or most >= len(found["classes"])):
        return {}
    if count is not None:
        if count > len(found["train"]):
            return {}
        found["train"] = found["train"][np.linspace(0, len(found["train"]) - 1, count).round().astype(np.int64)]
    return found


def shape(file: Path, array: str = "images") -> tuple[int, ...] | None:
    """Of an array of an npz file, from its header; None where it cannot be told."""
    try:
        with zipfile.ZipFile(file) as members, members.open(f"{array}.npy") as member:
            return HEADERS[np.lib.format.read_magic(member)](member)[0]
    except Exception:
        return None


def duration(study: Study) -> str:
    """One sentence on how long training takes on a user's own images; "" where the study has none, or no students."""
    dataset = study.datasets[study.data.images]
    if dataset.source != "npz" or not study.students or (file := npz.locate(dataset.options["path"])) is None:
        return ""
    found = shape(file)
    if found is None or len(found) not in (3, 4) or 0 in found:
        return ""
    height, width = found[1:3]
    seconds, rate, lanes = _estimate(study, found, shape(file, "test_images"))
    shown = f"{height} x {width} pixels"
    text = (
        f"own images of {shown}: training all students takes roughly {_words(seconds / lanes)} on this machine, {lanes} at a "
        f"time (measured just now: {rate:,.0f} images a second; it may be twice as long or half, and evaluation comes on top)"
    )
    if seconds / lanes < LONG:
        return text
    shorter = "fewer students, runs or epochs"
    if min(height, width) > SIDE:
        at_32 = _words(seconds / lanes * SIDE * SIDE / (height * width))
        shorter = f"images of {SIDE} x {SIDE} pixels (--size {SIDE}), roughly {at_32}, or {shorter}"
    return f"{text}; shorter: {shorter}"


def _estimate(study: Study, found: tuple[int, ...], test: tuple[int, ...] | None) -> tuple[float, float, int]:
    """(seconds of one network after the other, images a second of the slowest kind, how many networks train side by side)."""
    sizes = study.data.sizes
    total = study.datasets[study.data.images].options["count"] or found[0]
    taken = (sizes.validation or 0) + (0 if test else sizes.test or 0)
    images = sizes.train or max(total - taken, 1)
    image = (found[3] if len(found) == 4 else 1, *found[1:3])
    speeds: dict[str, float] = {}

    def each(recipe: Recipe) -> float:
        """Seconds per image."""
        key = str(recipe.network.model_dump())
        if key not in speeds:
            speeds[key] = _seconds_per_image(_first(recipe.network), image)
        return speeds[key]

    seconds = 0.0
    for name, student in study.students.items():
        tried = max(study.budget(name), study.initialisations(name))
        networks = tried * study.seeds.search + study.seeds.runs - study.seeds.search
        networks += study.seeds.runs * study.seeds.refit
        epochs = max(np.ravel(student.epochs))
        seconds += networks * epochs * (images + sizes.validation / 3) * each(student)  # a third: forwards alone
    for teacher in study.teachers.values():
        seconds += teacher.folds * teacher.epochs * images * each(teacher)
    from softcifar.execution.device import workers

    return seconds, 1 / max(speeds.values()), len(workers())


def _first(network: Chosen) -> Chosen:
    """One of the networks that are tuned over."""
    options = {name: value[0] if isinstance(value, list) else value for name, value in network.options.items()}
    return Chosen(name=network.name, options=options)


def _seconds_per_image(network: Chosen, image: tuple[int, int, int]) -> float:
    """Of a training step: measured on small images, multiplied by how many more operations these take."""
    import torch

    from softcifar.execution.device import pick
    from softcifar.models.build import build

    device = pick()
    small = (image[0], min(SIDE, image[1]), min(SIDE, image[1]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = build(network.name, 10, in_channels=image[0], image_size=small[1], **network.options).to(device)
        pixels, labels = torch.rand(BATCH, *small).to(device), torch.arange(BATCH, device=device) % 10
    took = []
    for _ in range(4):  # the first ones prepare the machine
        started = time.perf_counter()
        torch.nn.functional.cross_entropy(body(pixels), labels).backward()
        float(next(body.parameters()).detach().sum())  # waits for a GPU
        took.append(time.perf_counter() - started)
    return min(took) / BATCH * _operations(network, image) / _operations(network, small)


def _operations(network: Chosen, image: tuple[int, int, int]) -> float:
    """Floating-point operations of one image, counted without memory or time for them."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from softcifar.models.build import build

    with torch.device("meta"):
        body = build(network.name, 10, in_channels=image[0], image_size=image[1], **network.options)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            body(torch.empty(2, *image))
    return max(counter.get_total_flops(), 1)


def _words(seconds: float) -> str:
    if seconds < 90:
        return "a minute"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.0f} h"
