"""Craft adversarial examples for one student, to test them on all students: python -m stages.surrogate <student>."""

from pathlib import Path

from softcifar.data.splits import load_split
from softcifar.evaluation.adversarial import make_surrogate
from softcifar.execution.device import pick
from softcifar.files import read_json, write_npz
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Attack
from softcifar.pipeline.stage import entry, run
from softcifar.training.trained import load_classifier


def main() -> Path:
    plan = entry("surrogate", "student in surrogates")
    models, manifest = Path("models/students") / plan.name, read_json("data/study/inputs.json")
    about = read_json(models / "about.json")
    network, trained = Chosen(**about["network"]), Chosen(**about["method"])  # tuned options resolved
    made = make_surrogate(
        load_classifier(models / "run_0.safetensors", network, manifest, pick(), trained),
        load_split(Path("data/study/test.npz")),
        Chosen(**plan.params["method"]),
        Attack(**plan.params["pgd"]),
        plan.params["images"],
        batch_size=plan.params["batch_size"],
        seed=plan.params["seed"],
    )
    out = Path("data/surrogates") / f"{plan.name}.npz"
    write_npz(out, **made)
    return out


if __name__ == "__main__":
    run(main)
