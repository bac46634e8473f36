"""Accuracy on CIFAR-10 against what the training cost: three widths of `airbench` beside ResNet-20, each at several lengths.

All 50,000 training images with the data set's labels, tested on the 10,000 official ones; the accuracy is that of the last
epoch, one pass per test image. What costs much is tried at fewer lengths. A network's recipe is that of a study, its epochs and
warm-up stretched or shortened alike: `cifar10_quick`'s for every width, which suits 32, 128, 128, and `cifar10h_recipe`'s for
ResNet-20, which was chosen for 16 epochs of 7,500 images. So a gap between two curves is that of network and recipe.
On a CPU the cost is the processor time of the process that trains, in minutes of one core: waiting for a core does not count,
though busy neighbours slow the work itself; on a GPU it is time by the clock. RUNS networks of a length train side by side (on
one GPU one after the other), short lengths first, and Ctrl-C keeps what is done. Data are read from the folder that
SOFTCIFAR_MIRROR names; without it nothing is measured. 37 min on 2 cores with AMX, longer without: only where it is named.
"""

import functools
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

from bench.accuracy import (
    CIFAR10,
    STUDIES,
    Images,
    accuracy_of_run,
    lengthened,
    named,
    noise,
    official,
    precision_of,
    train_run,
)
from bench.apart import Apart
from bench.rows import Row
from softcifar.data.fetching import MIRROR, mirror
from softcifar.execution import Progress, run_here
from softcifar.execution.device import pick, threads, workers
from softcifar.files import atomic
from softcifar.params.candidates import candidates
from softcifar.params.chosen import Chosen
from softcifar.params.recipe import Recipe
from softcifar.params.study import load
from softcifar.progress import advance, bar

RUNS = 2
SPREAD = "mean, lowest, highest"
ACCURACY, COST = "accuracy", "cost of a run"
WIDTHS = {(8, 32, 32): (2, 4, 8, 16), (16, 64, 64): (2, 4, 8), (32, 128, 128): (2, 4)}  # outputs of the three groups: epochs
RESNET = (2, 4)
PLAIN = {"airbench": ("cifar10_quick", "plain"), "resnet20": ("cifar10h_recipe", "resnet20")}  # whose recipe: study, student
COLOURS = ("#9ecae1", "#4292c6", "#08306b", "#d1700f")
MARKS = "osD^"


def measure(quick: bool, _: Apart) -> list[Row]:
    if quick:
        data, series = [noise(run) for run in range(RUNS)], [(_recipe("airbench", widths=(2, 4, 4), batch_size=16), (2, 3))]
    else:
        root = mirror()
        if root is None or not (root / CIFAR10.needs[0]).is_dir():
            print(f"bench accuracy_by_cost: not measured; {MIRROR} names no folder with {CIFAR10.needs[0]}", file=sys.stderr)
            return []
        data = official(root, RUNS)
        series = [(_recipe("airbench", widths=widths), lengths) for widths, lengths in WIDTHS.items()]
        series.append((_recipe("resnet20"), RESNET))
    rows, trials = [], [(recipe, epochs) for recipe, lengths in series for epochs in lengths]
    with bar(total=RUNS * sum(epochs for _, epochs in trials), what="bench accuracy_by_cost", unit="epoch") as shown:
        for recipe, epochs in sorted(trials, key=lambda trial: trial[1]):
            try:
                rows += _measured("noise" if quick else "CIFAR-10", recipe, epochs, data, lambda *told: advance(shown, *told))
            except KeyboardInterrupt:
                if not rows:
                    raise
                print(f"stopped; kept is what was measured before {title(recipe)}, {epochs} epochs", file=sys.stderr)
                break
    return rows


def _recipe(network: str, widths: Sequence[int] = (), **changes: object) -> Recipe:
    study, student = PLAIN[network]
    ((_, recipe),) = candidates(load(STUDIES / study / "params.yaml").students[student])
    if widths:
        options = recipe.network.options | {f"width{number}": width for number, width in enumerate(widths, start=1)}
        changes |= {"network": Chosen(name=network, options=options)}
    return recipe.model_copy(update=changes)


def _measured(images: str, recipe: Recipe, epochs: int, data: list[Images], told: Progress) -> list[Row]:
    longer = lengthened(recipe, epochs)
    with TemporaryDirectory(prefix="softcifar-bench-") as folder:
        runs = run_here(functools.partial(_run, longer, data, Path(folder)), range(len(data)), progress=told)
    accuracies = run_here(
        functools.partial(accuracy_of_run, longer, data), [(run, weights) for run, (weights, _) in enumerate(runs)]
    )
    case = f"{images}, {title(recipe)}, {epochs} epochs"
    told(0, f"{case}: {statistics.fmean(accuracies):.2f} %")
    many = {
        "device": pick().type,
        "precision": precision_of(recipe),
        "threads": threads(),
        "workers": min(len(workers()), len(data)),
    }
    unit = "core-minutes" if pick().type == "cpu" else "minutes"
    minutes = [seconds / 60 for _, seconds in runs]
    return [
        Row(quantity, case, statistics.fmean(values), min(values), max(values), of, len(values), SPREAD, **many)
        for quantity, values, of in ((ACCURACY, accuracies, "%"), (COST, minutes, unit))
    ]


def title(recipe: Recipe) -> str:
    return named(recipe) if recipe.network.name == "airbench" else "ResNet-20"


def _run(recipe: Recipe, data: list[Images], folder: Path, run: int, report: Progress) -> tuple[dict, float]:
    """The weights after the last epoch, and the seconds that they cost."""
    clock = time.process_time if pick().type == "cpu" else time.perf_counter
    started = clock()
    weights = train_run(recipe, data, folder, run, report)
    return weights, clock() - started


def draw(rows: Sequence[Row], path: Path) -> None:
    """The rows as curves, a line per network, an SVG file: accuracy (mean and range of the runs) against the mean cost."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for (network, points), colour, mark in zip(curves(rows).items(), COLOURS, MARKS, strict=False):
        cost, accuracy, low, high, epochs = zip(*points, strict=True)
        below, above = ([abs(at - end) for at, end in zip(accuracy, ends, strict=True)] for ends in (low, high))
        axes.errorbar(cost, accuracy, [below, above], color=colour, marker=mark, capsize=2, label=network)
        for at, height, number in zip(cost, accuracy, epochs, strict=True):
            axes.annotate(f"{number}", (at, height), xytext=(4, -10), textcoords="offset points", fontsize=8, color=colour)
    unit = next(row.unit for row in rows if row.quantity == COST)
    axes.axhline(CIFAR10.accuracy, color="#8a8a8a", linewidth=0.8, linestyle=(0, (4, 2)))
    axes.annotate(
        f"ResNet-20 as published, best of {CIFAR10.epochs} epochs: {CIFAR10.accuracy} %", (0.02, CIFAR10.accuracy),
        xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points", fontsize=8, color="#5a5a5a",
    )  # fmt: skip
    axes.set(xscale="log", xlabel=f"{unit} a network (numbers: epochs)", ylabel="accuracy on CIFAR-10's test images, %")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    with atomic(path) as part:
        figure.savefig(part, format="svg", metadata={"Date": None})
    plt.close(figure)


def curves(rows: Sequence[Row]) -> Mapping[str, list[tuple[float, float, float, float, int]]]:
    """{network: [(mean cost, mean accuracy, lowest, highest, epochs)]} in rising order of cost."""
    costs = {row.case: row.value for row in rows if row.quantity == COST}
    found: dict[str, list] = {}
    for row in rows:
        if row.quantity == ACCURACY:
            _, network, length = row.case.split(", ")
            found.setdefault(network, []).append((costs[row.case], row.value, row.low, row.high, int(length.split()[0])))
    return {network: sorted(points) for network, points in found.items()}
