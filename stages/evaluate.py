"""Evaluate one student on the test images and every out-of-distribution set: python -m stages.evaluate <student>."""

from pathlib import Path

from softcifar.evaluation.evaluate import evaluate
from softcifar.files import read_json
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Evaluation, Seeds
from softcifar.pipeline.stage import entry, run

CORRUPTED = Path("data/corrupted")


def main() -> Path:
    plan = entry("evaluate", "student")
    out = Path("scores/students") / plan.name
    evaluate(
        plan.name,
        Chosen(**plan.params["method"]),
        Seeds(**plan.params["seeds"]),
        Evaluation(**plan.params["evaluation"]),
        study=Path("data/study"),
        ood={each: Path("data/ood") / f"{each}.npz" for each in plan.params["ood"]},
        manifest=read_json("data/study/inputs.json"),
        models=Path("models/students") / plan.name,
        corrupted={each: CORRUPTED / f"{each}.npz" for each in read_json(CORRUPTED / "manifest.json")["corruptions"]},
        surrogates={each: Path("data/surrogates") / f"{each}.npz" for each in plan.params["surrogates"]},
        out=out,
    )
    return out


if __name__ == "__main__":
    run(main)
