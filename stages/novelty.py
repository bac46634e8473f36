"""Score the test images and the novel ones by the scores that a study names: python -m stages.novelty <student>."""

from pathlib import Path

from softcifar.data.splits import folder_of, folders_of, load_inputs, load_split, named
from softcifar.evaluation.novelty import score_novelty
from softcifar.files import read_npz
from softcifar.params.chosen import Chosen
from softcifar.pipeline.stage import entry, run

STUDY = Path("data/study")


def main() -> Path:
    plan = entry("novelty", "student in novelty.students")
    out, manifests = Path("scores/novelty") / plan.name, load_inputs(STUDY)
    splits, ood = len(manifests), {each: Path("data/ood") / f"{each}.npz" for each in plan.params["ood"]}
    images = {f"ood_{each}": read_npz(path, "images")["images"] for each, path in ood.items()}
    with folders_of(out, splits) as folders:
        for split, (manifest, folder) in enumerate(zip(manifests, folders, strict=True)):
            score_novelty(
                named(plan.name, split, splits),
                [Chosen(**score) for score in plan.params["scores"]],
                len(range(split, plan.params["runs"], splits)),
                train=load_split(STUDY, "train", split),
                sets={"test": load_split(STUDY, "test", split).images, **images},
                manifest=manifest,
                models=folder_of(Path("models/students") / plan.name, split, splits),
                batch_size=plan.params["batch_size"],
                out=folder,
            )
    return out


if __name__ == "__main__":
    run(main)
