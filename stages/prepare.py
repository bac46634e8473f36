"""Split the data set of the study, join its votes and convert the novel images: python stages/prepare.py."""

from pathlib import Path

from softcifar.data.prepare import prepare
from softcifar.params import load_section
from softcifar.stage import PARAMS, run


def main() -> None:
    datasets, data = load_section(PARAMS, "datasets"), load_section(PARAMS, "data")
    manifest = prepare(
        Path("data/raw"),
        Path("data/study"),
        Path("data/ood"),
        sources={name: dataset.source for name, dataset in datasets.items()},
        protocol=data.protocol,
        images=data.images,
        votes=data.votes,
        sizes=data.sizes.model_dump(),
        split_seed=data.split_seed,
        ood_sets=data.ood,
    )
    print(", ".join(f"{split['count']} {name}" for name, split in manifest["splits"].items()), "images")


if __name__ == "__main__":
    run(main)
