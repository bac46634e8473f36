"""Train one student, all its runs: python -m stages.train <student>."""

import functools
from pathlib import Path

from softcifar.data.splits import folders_of, load_inputs, load_split, load_targets, named, seeds_of
from softcifar.params.sections import LabelSource, Seeds, Student
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.stage import entry, run
from softcifar.training.curves import Curves
from softcifar.training.state import Store
from softcifar.training.student import train_student
from softcifar.training.trained import surroundings

STUDY = Path("data/study")
CURVES = Path("reports/plots/learning_curves.csv")  # the report's; until it is written, what has been trained so far


def main() -> Path:
    plan = entry("train", "student")
    student = Student(**plan.params["student"])
    inputs = [STUDY / "train.npz", STUDY / "validation.npz", STUDY / "inputs.json"]
    out, manifests = Path("models/students") / plan.name, load_inputs(STUDY)
    splits, seeds, around = len(manifests), Seeds(**plan.params["seeds"]), surroundings(student.precision)
    curves = Curves(CURVES, plan.name)
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
                curves=functools.partial(_grown, curves, split, splits),
            )
    return out


def _grown(curves: Curves, split: int, splits: int, values: str, run: int, rows: list[dict]) -> None:
    """Run j of one of k splits is the study's run split + j k."""
    curves.add(values, split + run * splits, rows)


if __name__ == "__main__":
    run(main)
