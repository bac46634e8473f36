"""Run one simulation, every method on every data set: python -m stages.simulate <simulation>."""

import os
from pathlib import Path

from softcifar.files import read_json, read_npz
from softcifar.params.sections import Seeds
from softcifar.params.simulation import Simulation
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.stage import entry, run
from softcifar.simulation.run import run_simulation
from softcifar.training.trained import surroundings

STUDY = Path("data/study")
SPLITS = ("train", "validation", "test")


def main() -> Path:
    os.environ["SOFTCIFAR_DEVICE"] = "cpu"  # networks this small train there, whatever it says, on as many cores as there are
    plan = entry("simulate", "simulation")
    out = Path("scores/simulations") / plan.name
    inputs = [STUDY / "inputs.json", *(STUDY / f"{split}.npz" for split in SPLITS)]
    arrays = ("points", "labels", "exact", "dense")
    fingerprint = of_inputs((plan.params, plan.code, surroundings("float32")), *inputs)
    run_simulation(
        plan.name,
        Simulation(**plan.params["simulation"]),
        Seeds(**plan.params["seeds"]),
        fold_seed=plan.params["split_seed"],
        bins=plan.params["bins"],
        classes=read_json(inputs[0])["classes"],
        splits={split: read_npz(STUDY / f"{split}.npz", *arrays) for split in SPLITS},
        states=Path(".state/simulate") / plan.name / fingerprint,
        out=out,
    )
    return out


if __name__ == "__main__":
    run(main)
