"""Train one teacher, cross-fitted: python -m stages.teach <teacher>."""

from pathlib import Path

from softcifar.data.splits import folders_of, load_inputs, load_split, named, seeds_of
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
    out, manifests = Path("models/teachers") / plan.name, load_inputs(STUDY)
    splits, seeds, around = len(manifests), Seeds(**plan.params["seeds"]), surroundings(teacher.precision)
    with folders_of(out, splits) as folders:
        for split, (manifest, folder) in enumerate(zip(manifests, folders, strict=True)):
            teach(
                named(plan.name, split, splits),
                teacher,
                seeds_of(seeds, split, splits),
                plan.params["split_seed"],
                train_split=load_split(STUDY, "train", split),
                validation=load_split(STUDY, "validation", split),
                manifest=manifest,
                states=Store(Path(".state/runs"), of_inputs((plan.code, around, split), *inputs)),
                out=folder,
            )
    return out


if __name__ == "__main__":
    run(main)
