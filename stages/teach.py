"""Train one teacher, cross-fitted: python -m stages.teach <teacher>."""

from pathlib import Path

from softcifar.data.splits import load_split
from softcifar.files import read_json
from softcifar.params.sections import Seeds, Teacher
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.stage import entry, run
from softcifar.training.crossfit import teach
from softcifar.training.state import Store
from softcifar.training.trained import surroundings

STUDY = Path("data/study")


def main() -> Path:
    plan = entry("teach", "teacher")
    teacher = Teacher(**plan.params["teacher"])
    inputs = [STUDY / "train.npz", STUDY / "validation.npz", STUDY / "inputs.json"]
    out = Path("models/teachers") / plan.name
    fingerprint = of_inputs((plan.code, surroundings(teacher.precision)), *inputs)
    teach(
        plan.name,
        teacher,
        Seeds(**plan.params["seeds"]),
        plan.params["split_seed"],
        train_split=load_split(inputs[0]),
        validation=load_split(inputs[1]),
        manifest=read_json(inputs[2]),
        states=Store(Path(".state/runs"), fingerprint),
        out=out,
    )
    return out


if __name__ == "__main__":
    run(main)
