"""Move test images against one student, to try them on all students: python stages/surrogate.py <student>."""

from pathlib import Path

from softcifar.data.splits import load_split
from softcifar.evaluation.adversarial import make_surrogate
from softcifar.execution.device import pick
from softcifar.files import read_json, write_npz
from softcifar.params import study as params
from softcifar.params.chosen import Chosen
from softcifar.pipeline.stage import PARAMS, item, run
from softcifar.training.trained import load_classifier


def main() -> None:
    study = params.load(PARAMS)
    name = item(study.surrogates, "student in surrogates")
    models, manifest = Path("models/students") / name, read_json("data/study/inputs.json")
    about = read_json(models / "about.json")
    chosen, trained = Chosen(**about["network"]), Chosen(**about["method"])  # tuned options resolved
    network = load_classifier(models / "run_0.safetensors", chosen, manifest, pick(), trained)
    made = make_surrogate(
        network,
        load_split(Path("data/study/test.npz")),
        study.students[name].method,
        study.evaluation.attacks,
        batch_size=study.evaluation.batch_size,
        seed=study.seeds.order,
    )
    write_npz(Path("data/surrogates") / f"{name}.npz", **made)


if __name__ == "__main__":
    run(main)
