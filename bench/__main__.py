"""Run the parts, print their rows as one table, write them to <out>/<machine>.csv. See the package for how to call it."""

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path

from bench import accuracy, by_cost, evaluation, parity, profile, scaling, stages, studies, training
from bench.apart import Apart
from bench.machine import name, versions
from bench.rows import Row, merge, read, table
from softcifar.errors import UserError, choose
from softcifar.execution.device import cores, pick
from softcifar.files import write_csv

PARTS: dict[str, Callable[[bool, Apart], list[Row]]] = {
    "training": training.measure,
    "parity": parity.measure,
    "stages": stages.measure,
    "evaluation": evaluation.measure,
    "scaling": scaling.measure,
    "profile": profile.measure,
    "studies": studies.measure,
    "accuracy": functools.partial(accuracy.measure, accuracy.SOFT_CIFAR),
    "accuracy_cifar10": functools.partial(accuracy.measure, accuracy.CIFAR10),
    "accuracy_by_cost": by_cost.measure,
}
DRAWN = {"accuracy_by_cost": by_cost.draw}  # parts that are a figure as well
WHERE_NAMED = {"accuracy_cifar10", "accuracy_by_cost"}  # parts too long for a call that names none
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed, parity, memory and scaling.")
    parser.add_argument(
        "parts", nargs="*", help=f"some of {', '.join(PARTS)}; default: all but {', '.join(sorted(WHERE_NAMED))}"
    )
    parser.add_argument("--quick", action="store_true", help="in miniature, only to see that it runs: <machine>-quick.csv")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the file of results (default: bench/results)")
    options = parser.parse_args()
    chosen = options.parts or [part for part in PARTS if part not in WHERE_NAMED]
    measures = {part: choose(PARTS, part, "parts") for part in chosen}
    device = pick()  # before anything computes: this process forks, so it must never have had several threads
    file = options.out / f"{name(device, cores())}{'-quick' if options.quick else ''}.csv"
    before = read(file)
    # What is measured with all cores; in miniature with one, so that it does not wait for busy cores.
    with Apart(threads=1 if options.quick else cores()) as apart:
        rows = {part: measure(options.quick, apart) for part, measure in measures.items()}
    measured = {part: each for part, each in rows.items() if each}
    write_csv(file, merge(before, measured, versions()))
    for part in DRAWN.keys() & measured:
        DRAWN[part](measured[part], file.with_name(f"{file.stem}-{part}.svg"))
    print(f"{file.stem}: " + ", ".join(f"{package} {version}" for package, version in versions().items()))
    print(table(measured))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        raise SystemExit(130) from None
