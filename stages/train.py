"""Train one student, all its runs: python stages/train.py <student>."""

import time
from pathlib import Path

from softcifar.data.splits import load_split, load_targets
from softcifar.files import read_json
from softcifar.params import study as params
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.plan import entry
from softcifar.pipeline.stage import PARAMS, item, run
from softcifar.training.state import Store
from softcifar.training.student import train_student
from softcifar.training.trained import surroundings, write_run_record

STUDY = Path("data/study")


def main() -> None:
    started = time.time()
    study = params.load(PARAMS)
    name = item(study.students, "student")
    student = study.students[name]
    labels = Path("data/labels") / f"{student.labels}.npz"
    inputs = [STUDY / "train.npz", STUDY / "validation.npz", STUDY / "inputs.json"]
    train_split, validation, manifest = load_split(inputs[0]), load_split(inputs[1]), read_json(inputs[2])
    out = Path("models/students") / name
    code = entry(study, Path(), "train", name)["code"]
    fingerprint = of_inputs((code, surroundings(student.precision)), *inputs)
    train_student(
        name,
        student,
        study.seeds,
        train_split=train_split,
        validation=validation,
        targets=load_targets(labels, train_split),
        source=study.labels[student.labels],
        manifest=manifest,
        states=Store(Path(".state/runs"), fingerprint),
        out=out,
    )
    write_run_record(out, started)


if __name__ == "__main__":
    run(main)
