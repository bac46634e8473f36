"""Images per second of training: the published way, ours, our network step alone, and what the hardware would allow.

published  bench.published: PIL, DataLoader, float32, one network on all cores; with as many loader processes (0 or 2) as
           serves the case better in a trial, whose rates are rows as well
ours       softcifar.training.loop.train with the Soft CIFAR study's recipe, from a fresh network to the saved state with
           augmentation and validation in it, as many networks side by side as stage train has; all their images together.
           Starting processes is left out: a stage does that once for all its runs (see the part stages)
step       forward, loss, backward and SGD of our loop on one fixed batch, the same number of networks side by side
roofline   bench.roofline, with the peaks measured in the same round

All take turns in every round, so that a busy machine slows them alike; ratios are taken round by round.
"""

import functools
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from bench import roofline
from bench.apart import Apart
from bench.inputs import CLASSES, MANIFEST, random_images, random_task, recipe
from bench.rows import Row, median_row, ratios
from bench.timing import side_by_side
from softcifar.execution.device import autocast, pick, resolve_precision, threads, workers
from softcifar.losses.cross_entropy import cross_entropy
from softcifar.methods.prediction import to_pixels
from softcifar.models.build import build
from softcifar.models.classifier import classifier
from softcifar.progress import advance, bar
from softcifar.training.loop import train
from softcifar.training.sgd import SGD

LOADERS = (0, 2)  # processes tried for the published way
# What each ratio should reach: (at least, aim) on a CPU of two cores, and on a data-centre GPU.
BARS = {
    "cpu": {"ours / published": (3.5, 4.5), "ours / step": (0.9, None), "step / roofline": (0.55, None)},
    "cuda": {"ours / published": (10, 30), "ours / step": (0.9, None), "step / roofline": (0.4, None)},
}


@dataclass(frozen=True)
class Case:
    """Training images of the published epoch, of ours and of its validation; epochs of ours; steps; rounds."""

    network: str
    batch: int
    published: int
    images: int
    validation: int
    steps: int
    rounds: int
    epochs: int = 1

    def __str__(self) -> str:
        return f"{self.network}, batch {self.batch}"


def cases(device: torch.device, quick: bool) -> list[Case]:
    if quick:
        return [Case("resnet8", 16, published=32, images=48, validation=16, steps=2, rounds=1)]
    if device.type == "cuda":
        return [
            Case(network, batch, published=8192, images=8000, validation=500, steps=100, rounds=5, epochs=10)
            for network in ("resnet20", "resnet18")
            for batch in (128, 512)
        ]
    return [  # ResNet-20 at the size of the Soft CIFAR study; ResNet-18 has 14 times the work per image
        Case("resnet20", 128, published=2048, images=8000, validation=500, steps=20, rounds=5),
        Case("resnet20", 512, published=4096, images=8000, validation=500, steps=5, rounds=5),
        Case("resnet18", 128, published=512, images=1536, validation=96, steps=4, rounds=3),
        Case("resnet18", 512, published=512, images=1536, validation=96, steps=1, rounds=3),
    ]


def measure(quick: bool, apart: Apart) -> list[Row]:
    device = pick()
    listed = cases(device, quick)
    rates: dict[tuple[Case, str], list[float]] = {}
    peaks: dict[str, list[float]] = {"bfloat16": [], "float32": [], "copy": []}
    total = sum(len(LOADERS) + 3 * case.rounds for case in listed)
    with bar(total=total, what="bench training", unit="run") as shown:

        def timed(function: Callable[[], float], what: str, case: Case) -> float:
            rate = function()
            advance(shown, 1, f"{case}, {what}")
            return rate

        def by_publication(case: Case, loaders: int) -> float:
            return apart("bench.published", "images_per_second", case.network, case.batch, case.published, loaders, device)

        trials = {
            (case, loaders): timed(lambda case=case, loaders=loaders: by_publication(case, loaders), "published", case)
            for case in listed
            for loaders in LOADERS
        }
        best = {case: max(LOADERS, key=lambda loaders, case=case: trials[case, loaders]) for case in listed}
        for number in range(max(case.rounds for case in listed)):
            for precision in ("bfloat16", "float32"):
                peaks[precision].append(apart("bench.roofline", "peak", precision, device, quick))
            peaks["copy"].append(apart("bench.roofline", "bandwidth", device, quick))
            for case in (case for case in listed if number < case.rounds):
                measured = {
                    "published": timed(functools.partial(by_publication, case, best[case]), "published", case),
                    "ours": timed(functools.partial(_ours, case), "ours", case),
                    "step": timed(functools.partial(_step, case), "step", case),
                    "roofline": _roofline(case, {name: values[-1] for name, values in peaks.items()}, device),
                }
                for name, rate in measured.items():
                    rates.setdefault((case, name), []).append(rate)
    return [
        *_peak_rows(peaks, device, apart.threads),
        *(row for case in listed for row in _case_rows(case, trials, best[case], rates, device, apart.threads)),
    ]


def _ours(case: Case) -> float:
    span = side_by_side(functools.partial(_prepare_loop, case))
    return len(workers()) * case.epochs * case.images / span


def _prepare_loop(case: Case, folder: Path, number: int) -> Callable[[], object]:
    task = random_task(case.network, case.batch, case.images, validation=case.validation, epochs=case.epochs, seed=number)
    return functools.partial(train, task, pick(), folder / f"{number}.safetensors", lambda *_: None)


def _step(case: Case) -> float:
    return len(workers()) * case.steps * case.batch / side_by_side(functools.partial(_prepare_steps, case))


def _prepare_steps(case: Case, folder: Path, number: int) -> Callable[[], object]:
    device, settings = pick(), recipe(case.network, case.batch, epochs=1)
    precision = resolve_precision(settings.precision, device)
    images, targets, _ = random_images(case.batch)
    pixels = to_pixels(torch.as_tensor(images).to(device)).contiguous(memory_format=torch.channels_last)
    wanted = torch.as_tensor(targets).to(device)
    network = classifier(settings.network, MANIFEST, seed=number).to(device, memory_format=torch.channels_last).train()
    optimizer = SGD(network, momentum=settings.momentum, nesterov=settings.nesterov, weight_decay=settings.weight_decay)

    def steps(count: int) -> None:
        for _ in range(count):
            with autocast(precision, device):
                logits = network(pixels)
            optimizer.zero_grad()
            cross_entropy(logits, wanted, reduction="mean").backward()
            optimizer.step(settings.lr)

    steps(1 if device.type == "cpu" else 10)  # warm up
    return functools.partial(steps, case.steps)


def _roofline(case: Case, peaks: dict[str, float], device: torch.device) -> float:
    precision = resolve_precision("auto", device)
    counted = roofline.counts(build(case.network, CLASSES), torch.zeros(3, 32, 32))
    return case.batch / roofline.step_seconds(counted, case.batch, precision, peaks[precision], peaks["copy"])


def _peak_rows(peaks: dict[str, list[float]], device: torch.device, all_cores: int) -> list[Row]:
    units = {"bfloat16": "10^9 operations/s", "float32": "10^9 operations/s", "copy": "GB/s"}
    return [
        median_row(
            "copy bandwidth" if name == "copy" else "matrix product",
            "best size" if name != "copy" else "read and written",
            [each / 1e9 for each in values],
            units[name],
            device=device.type,
            precision="-" if name == "copy" else name,
            threads=all_cores,
            workers=1,
        )
        for name, values in peaks.items()
    ]


def _case_rows(
    case: Case, trials: dict, best: int, rates: dict[tuple[Case, str], list[float]], device: torch.device, all_cores: int
) -> list[Row]:
    alone = {"device": device.type, "precision": "float32", "threads": all_cores, "workers": 1}
    many = {
        "device": device.type,
        "precision": resolve_precision("auto", device),
        "threads": threads(),
        "workers": len(workers()),
    }
    whole = {**many, "threads": all_cores, "workers": 1}
    surroundings = {"published": alone, "ours": many, "step": many, "roofline": whole}
    rows = [
        median_row("published, trial", f"{case}, {loaders} loaders", [trials[case, loaders]], "images/s", **alone)
        for loaders in LOADERS
    ]
    for name, where in surroundings.items():
        shown = f"{case}, {best} loaders" if name == "published" else str(case)
        rows.append(median_row(name, shown, rates[case, name], "images/s", **where))
    for name, (least, aim) in BARS[device.type].items():
        above, below = name.split(" / ")
        quotients = ratios(rates[case, above], rates[case, below])
        rows.append(
            median_row(
                name,
                str(case),
                quotients,
                "ratio",
                **many,
                bar=f">= {least}" + (f", aim {aim}" if aim else ""),
                met="yes" if statistics.median(quotients) >= least else "no",
            )
        )
    return rows
