"""Run one simulation, every method on every data set: python stages/simulate.py <simulation>."""

import time
from pathlib import Path

from softcifar.files import read_json, read_npz
from softcifar.params import study as params
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.plan import entry
from softcifar.pipeline.stage import PARAMS, item, run
from softcifar.simulation.run import run_simulation
from softcifar.training.trained import surroundings, write_run_record

STUDY = Path("data/study")
SPLITS = ("train", "validation", "test")


def main() -> None:
    started = time.time()
    study = params.load(PARAMS)
    name = item(study.simulations, "simulation")
    out = Path("scores/simulations") / name
    inputs = [STUDY / "inputs.json", *(STUDY / f"{split}.npz" for split in SPLITS)]
    arrays = ("points", "labels", "exact", "dense")
    splits = {split: read_npz(STUDY / f"{split}.npz", *arrays) for split in SPLITS}
    fingerprint = of_inputs((entry(study, Path(), "simulate", name), surroundings("float32")), *inputs)
    run_simulation(
        name,
        study.simulations[name],
        study.seeds,
        fold_seed=study.data.split_seed,
        bins=study.report.bins,
        classes=read_json(inputs[0])["classes"],
        splits=splits,
        states=Path(".state/simulate") / name / fingerprint,
        out=out,
    )
    write_run_record(out, started)


if __name__ == "__main__":
    run(main)
