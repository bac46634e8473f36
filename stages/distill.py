"""Train a shallow network on what one student says, run by run: python stages/distill.py <student>."""

import time
from pathlib import Path

from softcifar.data.splits import load_split
from softcifar.files import read_json
from softcifar.params import study as params
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.plan import entry
from softcifar.pipeline.stage import PARAMS, item, run
from softcifar.training.distill import distill
from softcifar.training.state import Store
from softcifar.training.trained import surroundings, write_run_record

STUDY = Path("data/study")


def main() -> None:
    started = time.time()
    study = params.load(PARAMS)
    name = item(study.distillation.students, "student in distillation.students")
    inputs = [STUDY / "train.npz", STUDY / "validation.npz", STUDY / "inputs.json"]
    out = Path("models/shallow") / name
    code = entry(study, Path(), "distill", name)["code"]
    fingerprint = of_inputs((code, surroundings(study.distillation.precision)), *inputs)
    distill(
        name,
        study.distillation,
        study.seeds,
        train_split=load_split(inputs[0]),
        validation=load_split(inputs[1]),
        test=load_split(STUDY / "test.npz"),
        manifest=read_json(inputs[2]),
        student=Path("models/students") / name,
        states=Store(Path(".state/runs"), fingerprint),
        out=out,
        scores=Path("scores/shallow") / name,
    )
    write_run_record(out, started)


if __name__ == "__main__":
    run(main)
