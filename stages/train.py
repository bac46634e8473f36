"""Train one student, all its runs: python -m stages.train <student>."""

from pathlib import Path

from softcifar.data.splits import load_split, load_targets
from softcifar.files import read_json
from softcifar.params.sections import LabelSource, Seeds, Student
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.stage import entry, run
from softcifar.training.state import Store
from softcifar.training.student import train_student
from softcifar.training.trained import surroundings

STUDY = Path("data/study")


def main() -> Path:
    plan = entry("train", "student")
    student = Student(**plan.params["student"])
    inputs = [STUDY / "train.npz", STUDY / "validation.npz", STUDY / "inputs.json"]
    train_split = load_split(inputs[0])
    out = Path("models/students") / plan.name
    fingerprint = of_inputs((plan.code, surroundings(student.precision)), *inputs)
    train_student(
        plan.name,
        student,
        Seeds(**plan.params["seeds"]),
        train_split=train_split,
        validation=load_split(inputs[1]),
        targets=load_targets(Path("data/labels") / f"{student.labels}.npz", train_split),
        source=LabelSource(**plan.params["source"]),
        initialisations=plan.params["initialisations"],
        manifest=read_json(inputs[2]),
        states=Store(Path(".state/runs"), fingerprint),
        out=out,
    )
    return out


if __name__ == "__main__":
    run(main)
