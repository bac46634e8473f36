"""Train a shallow network on one student's predictions, run by run: python -m stages.distill <student>."""

from pathlib import Path

from softcifar.data.splits import load_split
from softcifar.files import read_json
from softcifar.params.sections import Distillation, Seeds
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.stage import entry, run
from softcifar.training.distill import distill
from softcifar.training.state import Store
from softcifar.training.trained import surroundings

STUDY = Path("data/study")


def main() -> Path:
    plan = entry("distill", "student in distillation.students")
    recipe = Distillation(**plan.params["distillation"])
    inputs = [STUDY / "train.npz", STUDY / "validation.npz", STUDY / "inputs.json"]
    out = Path("models/shallow") / plan.name
    fingerprint = of_inputs((plan.code, surroundings(recipe.precision)), *inputs)
    distill(
        plan.name,
        recipe,
        Seeds(**plan.params["seeds"]),
        train_split=load_split(inputs[0]),
        validation=load_split(inputs[1]),
        test=load_split(STUDY / "test.npz"),
        manifest=read_json(inputs[2]),
        student=Path("models/students") / plan.name,
        states=Store(Path(".state/runs"), fingerprint),
        out=out,
        scores=Path("scores/shallow") / plan.name,
    )
    return out


if __name__ == "__main__":
    run(main)
