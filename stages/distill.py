"""Train a shallow network on one student's predictions, run by run: python -m stages.distill <student>."""

from pathlib import Path

from softcifar.data.splits import folder_of, folders_of, load_inputs, load_split, named, seeds_of
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
    out, scores, manifests = Path("models/shallow") / plan.name, Path("scores/shallow") / plan.name, load_inputs(STUDY)
    splits, seeds, around = len(manifests), Seeds(**plan.params["seeds"]), surroundings(recipe.precision)
    with folders_of(out, splits) as folders, folders_of(scores, splits) as of_scores:
        for split, manifest in enumerate(manifests):
            distill(
                named(plan.name, split, splits),
                recipe,
                seeds_of(seeds, split, splits),
                train_split=load_split(STUDY, "train", split),
                validation=load_split(STUDY, "validation", split),
                test=load_split(STUDY, "test", split),
                manifest=manifest,
                student=folder_of(Path("models/students") / plan.name, split, splits),
                states=Store(Path(".state/runs"), of_inputs((plan.code, around, split), *inputs)),
                out=folders[split],
                scores=of_scores[split],
            )
    return out


if __name__ == "__main__":
    run(main)
