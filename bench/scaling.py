"""How the time of training grows with the work: more seeds, more images, and side by side against one after the other.

All through softcifar.execution, processes' starts included, networks of the Soft CIFAR study's recipe, one epoch. Seconds per
seed should fall until there are as many seeds as workers and stay flat from there; seconds per image should be flat.
"""

import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.apart import Apart
from bench.inputs import random_task
from bench.rows import Row, median_row, ratios
from softcifar.execution import Progress, run_here
from softcifar.execution.device import pick, resolve_precision, threads, workers
from softcifar.progress import bar
from softcifar.training.loop import train

BATCH = 128
LARGER = 4  # times the data
VALIDATION = 64


def measure(quick: bool, _: Apart) -> list[Row]:
    network, images, all_seeds, rounds = ("resnet8", 32, (1, 2), 1) if quick else ("resnet20", 1024, (1, 2, 4, 8), 3)
    device, most = pick(), max(all_seeds)
    times: dict[str, list[float]] = {}

    def timed(name: str, seeds: int, count: int) -> None:
        times.setdefault(name, []).append(_train(network, seeds, count))
        shown.update()

    with bar(total=rounds * (len(all_seeds) + 2), what="bench scaling", unit="run") as shown:
        for _ in range(rounds):
            for seeds in all_seeds:
                timed(f"{seeds} seeds", seeds, images)
            with _one_worker():
                timed("in turn", most, images)
            timed("larger", 1, LARGER * images)
    together = len(workers())
    where = {"device": device.type, "precision": resolve_precision("auto", device), "threads": threads()}
    case = f"{network}, batch {BATCH}, {{}} images"
    rows = [
        median_row(
            "seconds per seed",
            f"{case.format(images)}, {seeds} seed{'s' if seeds > 1 else ''}",
            [each / seeds for each in times[f"{seeds} seeds"]],
            "s",
            **where,
            workers=min(together, seeds),
        )
        for seeds in all_seeds
    ]
    turns = [each / most for each in times["in turn"]]
    rows.append(median_row("seconds per seed", f"{case.format(images)}, {most} seeds in turn", turns, "s", **where, workers=1))
    gain = ratios(times["in turn"], times[f"{most} seeds"])
    rows.append(
        median_row("in turn / side by side", f"{case.format(images)}, {most} seeds", gain, "ratio", **where, workers=together)
    )
    per_image = {}
    for name, count in (("1 seeds", images), ("larger", LARGER * images)):
        per_image[name] = [1e3 * each / count for each in times[name]]
        rows.append(median_row("time per image", case.format(count), per_image[name], "ms", **where, workers=1))
    growth = ratios(per_image["larger"], per_image["1 seeds"])
    rows.append(median_row(f"time per image, {LARGER}x / 1x", case.format(images), growth, "ratio", **where, workers=1))
    return rows


def _train(network: str, seeds: int, count: int) -> float:
    """Seconds that so many networks take, from the call to the last result."""
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        run_here(functools.partial(_one, network, count, Path(folder)), range(seeds))
        return time.perf_counter() - started


def _one(network: str, count: int, folder: Path, seed: int, report: Progress) -> int:
    task = random_task(network, BATCH, count, validation=VALIDATION, epochs=1, seed=seed)
    return train(task, pick(), folder / f"{seed}.safetensors", lambda *_: None).epoch


@contextmanager
def _one_worker() -> Iterator[None]:
    before = os.environ.get("SOFTCIFAR_WORKERS")
    os.environ["SOFTCIFAR_WORKERS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOFTCIFAR_WORKERS"]
        else:
            os.environ["SOFTCIFAR_WORKERS"] = before
