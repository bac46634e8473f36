"""Evaluate one student on the test images and every out-of-distribution set: python -m stages.evaluate <student>."""

from pathlib import Path

from softcifar.data.splits import folder_of, folders_of, load_inputs, named, seeds_of
from softcifar.evaluation.evaluate import evaluate
from softcifar.files import read_json
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Evaluation, Seeds
from softcifar.pipeline.stage import entry, run

STUDY, CORRUPTED = Path("data/study"), Path("data/corrupted")


def main() -> Path:
    plan = entry("evaluate", "student")
    out, manifests, seeds = Path("scores/students") / plan.name, load_inputs(STUDY), Seeds(**plan.params["seeds"])
    splits = len(manifests)
    with folders_of(out, splits) as folders:
        for split, (manifest, folder) in enumerate(zip(manifests, folders, strict=True)):
            evaluate(
                named(plan.name, split, splits),
                Chosen(**plan.params["method"]),
                seeds_of(seeds, split, splits),
                Evaluation(**plan.params["evaluation"]),
                study=STUDY,
                split=split,
                ood={each: Path("data/ood") / f"{each}.npz" for each in plan.params["ood"]},
                manifest=manifest,
                models=folder_of(Path("models/students") / plan.name, split, splits),
                corrupted={each: CORRUPTED / f"{each}.npz" for each in read_json(CORRUPTED / "manifest.json")["corruptions"]},
                surrogates={each: Path("data/surrogates") / f"{each}.npz" for each in plan.params["surrogates"]},
                out=folder,
            )
    return out


if __name__ == "__main__":
    run(main)
