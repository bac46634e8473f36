"""Train one teacher, cross-fitted: python stages/teach.py <teacher>."""

import time
from pathlib import Path

from softcifar.data.splits import load_split
from softcifar.files import read_json
from softcifar.params import study as params
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.plan import entry
from softcifar.pipeline.stage import PARAMS, item, run
from softcifar.training.crossfit import teach
from softcifar.training.state import Store
from softcifar.training.trained import surroundings, write_run_record

STUDY = Path("data/study")


def main() -> None:
    started = time.time()
    study = params.load(PARAMS)
    name = item(study.teachers, "teacher")
    inputs = [STUDY / "train.npz", STUDY / "validation.npz", STUDY / "inputs.json"]
    out = Path("models/teachers") / name
    train_split, validation, manifest = load_split(inputs[0]), load_split(inputs[1]), read_json(inputs[2])
    code = entry(study, Path(), "teach", name)["code"]
    fingerprint = of_inputs((code, surroundings(study.teachers[name].precision)), *inputs)
    teach(
        name,
        study.teachers[name],
        study.seeds,
        study.data.split_seed,
        train_split=train_split,
        validation=validation,
        manifest=manifest,
        states=Store(Path(".state/runs"), fingerprint),
        out=out,
    )
    write_run_record(out, started)


if __name__ == "__main__":
    run(main)
