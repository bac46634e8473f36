"""Evaluate one student on the test images and every out-of-distribution set: python stages/evaluate.py <student>."""

from pathlib import Path

from softcifar.evaluation.evaluate import evaluate
from softcifar.files import read_json
from softcifar.params import study as params
from softcifar.pipeline.stage import PARAMS, item, run

SHIFTED = Path("data/shifted")


def main() -> None:
    study = params.load(PARAMS)
    name = item(study.students, "student")
    evaluate(
        name,
        study.students[name],
        study.seeds,
        study.evaluation,
        study=Path("data/study"),
        ood={each: Path("data/ood") / f"{each}.npz" for each in study.data.ood},
        manifest=read_json("data/study/inputs.json"),
        models=Path("models/students") / name,
        copies={each: SHIFTED / f"{each}.npz" for each in read_json(SHIFTED / "manifest.json")["corruptions"]},
        surrogates={each: Path("data/surrogates") / f"{each}.npz" for each in study.surrogates},
        out=Path("scores/students") / name,
    )


if __name__ == "__main__":
    run(main)
