"""Learn actively with one strategy, all runs: python -m stages.acquire <acquisition>."""

from pathlib import Path

from softcifar.acquisition.acquire import acquire
from softcifar.data.splits import folders_of, load_arrays, load_inputs, named, seeds_of
from softcifar.params.acquisition import Acquisition
from softcifar.params.sections import Seeds
from softcifar.pipeline.fingerprint import of_inputs
from softcifar.pipeline.stage import entry, run
from softcifar.training.state import Store
from softcifar.training.trained import surroundings

STUDY = Path("data/study")


def main() -> Path:
    plan = entry("acquire", "acquisition")
    options = Acquisition(**plan.params["acquisition"])
    inputs = [STUDY / "train.npz", STUDY / "test.npz", STUDY / "inputs.json"]
    out, manifests = Path("scores/acquisitions") / plan.name, load_inputs(STUDY)
    splits, seeds, around = len(manifests), Seeds(**plan.params["seeds"]), surroundings(options.precision)
    with folders_of(out, splits) as folders:
        for split, (manifest, folder) in enumerate(zip(manifests, folders, strict=True)):
            acquire(
                named(plan.name, split, splits),
                options,
                seeds_of(seeds, split, splits),
                train_arrays=load_arrays(STUDY, "train", split),
                test_arrays=load_arrays(STUDY, "test", split),
                manifest=manifest,
                states=Store(Path(".state/runs"), of_inputs((plan.code, around, split), *inputs)),
                out=folder,
            )
    return out


if __name__ == "__main__":
    run(main)
