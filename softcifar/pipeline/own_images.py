"""What can be said of a user's own images before anything runs: whether they can be split, and how long training will take."""

import functools
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
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


def parts(file: Path) -> dict[str, Images]:
    """{"train", "test" where it is there} of a user's file as softcifar.data.npz reads it, but for the images: zeros of their
    shape. UserError where the file is not as it should be."""
    state = file.stat()
    return _parts(file, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=8)  # several checks ask, and labels may be many
def _parts(file: Path, *_: int) -> dict[str, Images]:
    return npz.checked(file, unread=("images", "test_images"))


def learnable(data: Data, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Why a user's own images cannot be learned or split as params want it, so that prepare need not find it out."""
    from softcifar.data.protocols import PROTOCOLS  # here, since few studies need it

    if (dataset := datasets.get(data.images)) is None or (found := own(dataset)) is None:
        return
    if unlabelled := [part for part, content in found.items() if content.labels is None]:
        yield (
            f"data.images: the {unlabelled[0]} images of '{data.images}' have no labels; such a set is allowed under data.ood "
            "only"
        )
        return
    if len(found["train"].classes) < 2:
        yield f"data.images: '{data.images}' has one class; two or more are needed"
        return
    if data.protocol not in PROTOCOLS or data.votes:
        return
    count = dataset.options["count"]
    if count is not None:
        if count > len(found["train"].labels):
            return  # `own_files` says so
        kept = np.linspace(0, len(found["train"].labels) - 1, count).round().astype(np.int64)
        found = found | {"train": replace(found["train"], labels=found["train"].labels[kept])}
    stand_ins = {part: Images(each.labels, each.labels, votes=each.votes) for part, each in found.items()}
    try:
        PROTOCOLS[data.protocol](stand_ins, data.sizes.model_dump(), data.split_seed, data.splits)
    except UserError as error:
        if isinstance(error.__context__, ValueError):  # what scikit-learn said, in other words
            labels = found["test" if data.protocol == "cifar10h" else "train"].labels
            values, counts = np.unique(labels, return_counts=True)
            rarest = values[counts.argmin()]
            name = cut(found["train"].classes[rarest])
            many = f"{counts.min()} images" if counts.min() > 1 else "1 image"
            yield (
                f"data.images: '{data.images}' has {many} of the class '{name}', too few for training, validation and test to "
                "have some of each class; allowed: more of them (10 or more, say), or none"
            )
        else:
            yield str(error)


def oblong(
    data: Data, datasets: Mapping[str, Dataset], students: Mapping[str, Recipe], teachers: Mapping[str, Recipe]
) -> Iterator[str]:
    """Networks that cannot take a user's own images, which have not as many rows as columns."""
    if data.images not in datasets or (found := own(datasets[data.images])) is None:
        return
    _, height, width, channels = found["train"].images.shape
    for section, entries in (("students", students), ("teachers", teachers)):
        for name, recipe in entries.items():
            network = _first(recipe.network)
            if height != width and not _takes(network.name, tuple(network.options.items()), channels, height, width):
                yield (
                    f"{section}.{name}.network: found {network.name} with images of {height} x {width} pixels; allowed there: "
                    "images with as many rows as columns (python -m softcifar.data.folder cuts the middle square), or a "
                    "network that averages over all places, as resnet20"
                )


@functools.cache  # all students may share a network
def _takes(name: str, options: tuple, channels: int, height: int, width: int) -> bool:
    import torch

    from softcifar.models.build import build

    with torch.device("meta"), torch.no_grad():
        body = build(name, 10, in_channels=channels, image_size=height, **dict(options))
        try:
            body(torch.empty(2, channels, height, width))
        except RuntimeError:
            return False
    return True


def own(dataset: Dataset) -> dict[str, Images] | None:
    """`parts` of a data set that is a user's file; None for others, and for files of which `own_files` says what is wrong."""
    if dataset.source != "npz":
        return None
    try:
        file = npz.locate(dataset.options["path"])
        return None if file is None else parts(file)
    except (UserError, OSError, ValueError):
        return None


def duration(study: Study) -> str:
    """One sentence on how long training takes on a user's own images; "" where the study has none, or no students."""
    if not study.students or (found := own(study.datasets[study.data.images])) is None:
        return ""
    height, width = found["train"].images.shape[1:3]
    shown = f"{height} x {width} pixels"
    try:
        seconds, rate, lanes = _estimate(study, found)
    except RuntimeError as error:  # of a network that torch cannot count the operations of, say; it may yet train
        return f"own images of {shown}: how long training takes could not be measured ({cut(str(error))})"
    text = (
        f"own images of {shown}: training all students takes roughly {_words(seconds / lanes)} on this machine, {lanes} at a "
        f"time (measured just now: {rate:,.0f} images a second; it may be twice as long or half, and evaluation comes on top)"
    )
    if seconds / lanes < LONG:
        return text
    shorter = "fewer students, runs or epochs"
    if height > SIDE:
        at_32 = _words(seconds / lanes * SIDE * SIDE / (height * width))
        shorter = f"images of {SIDE} x {SIDE} pixels (--size {SIDE}), roughly {at_32}, or {shorter}"
    return f"{text}; shorter: {shorter}"


def _estimate(study: Study, found: Mapping[str, Images]) -> tuple[float, float, int]:
    """(seconds of one network after the other, images a second of the slowest kind, how many networks train side by side)."""
    sizes, (total, *image) = study.data.sizes, found["train"].images.shape
    total = study.datasets[study.data.images].options["count"] or total
    taken = (sizes.validation or 0) + (0 if "test" in found else sizes.test or 0)
    images = sizes.train or max(total - taken, 1)
    image = (image[2], *image[:2])
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
        pixels = torch.rand(BATCH, *small).to(device)
    took = []
    for _ in range(4):  # the first ones prepare the machine
        started = time.perf_counter()
        body(pixels).square().mean().backward()  # some loss: of networks of members logits are of another shape
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
