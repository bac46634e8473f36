"""Train one student, all its runs: python -m stages.train <student>."""

from pathlib import Path

from softcifar.data.splits import folders_of, load_inputs, load_split, load_targets, named, seeds_of
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
    out, manifests = Path("models/students") / plan.name, load_inputs(STUDY)
    splits, seeds, around = len(manifests), Seeds(**plan.params["seeds"]), surroundings(student.precision)
    with folders_of(out, splits) as folders:
        for split, (manifest, folder) in enumerate(zip(manifests, folders, strict=True)):
            train_split = load_split(STUDY, "train", split)
            train_student(
                named(plan.name, split, splits),
                student,
                seeds_of(seeds, split, splits),
                train_split=train_split,
                validation=load_split(STUDY, "validation", split),
                targets=load_targets(Path("data/labels") / f"{student.labels}.npz", train_split, split),
                source=LabelSource(**plan.params["source"]),
                initialisations=plan.params["initialisations"],
                manifest=manifest,
                states=Store(Path(".state/runs"), of_inputs((plan.code, around, split), *inputs)),
                out=folder,
            )
    return out


if __name__ == "__main__":
    run(main)
