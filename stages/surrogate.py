"""Craft adversarial examples for one student, to test them on all students: python -m stages.surrogate <student>.

They are made for its first run on each split, of that split's test images.
"""

from pathlib import Path

from softcifar.data.splits import folder_of, load_inputs, load_split, seed_of, write_splits
from softcifar.evaluation.adversarial import make_surrogate
from softcifar.execution.device import pick
from softcifar.files import read_json
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Attack
from softcifar.pipeline.stage import entry, run
from softcifar.training.trained import load_classifier

STUDY = Path("data/study")


def main() -> Path:
    plan = entry("surrogate", "student in surrogates")
    made, inputs = [], load_inputs(STUDY)
    for split, manifest in enumerate(inputs):
        models = folder_of(Path("models/students") / plan.name, split, len(inputs))
        about = read_json(models / "about.json")
        network, trained = Chosen(**about["network"]), Chosen(**about["method"])  # tuned options resolved
        made.append(
            make_surrogate(
                load_classifier(models / "run_0.safetensors", network, manifest, pick(), trained),
                load_split(STUDY, "test", split),
                Chosen(**plan.params["method"]),
                Attack(**plan.params["pgd"]),
                plan.params["images"],
                batch_size=plan.params["batch_size"],
                seed=seed_of(plan.params["seed"], split),
            )
        )
    out = Path("data/surrogates") / f"{plan.name}.npz"
    write_splits(out, made)
    return out


if __name__ == "__main__":
    run(main)
