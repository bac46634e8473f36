"""Split the data set of the study, join its votes and convert the novel images: python stages/prepare.py."""

from pathlib import Path

from softcifar.data.prepare import prepare
from softcifar.data.repeated import prepare_repeated
from softcifar.params.study import load_section
from softcifar.pipeline.stage import PARAMS, run


def main() -> None:
    datasets, data = load_section(PARAMS, "datasets"), load_section(PARAMS, "data")
    folders = Path("data/raw"), Path("data/study"), Path("data/ood"), Path("data/shifted")
    sources = {name: dataset.source for name, dataset in datasets.items()}
    if data.protocol == "repeated":
        manifest = prepare_repeated(*folders, sources=sources, images=data.images, sizes=data.sizes.model_dump())
        points = ", ".join(f"{split['count']} {name}" for name, split in manifest["splits"].items())
        print(f"{manifest['data_sets']} data sets of {points} points")
        return
    manifest = prepare(
        *folders,
        sources=sources,
        protocol=data.protocol,
        images=data.images,
        votes=data.votes,
        sizes=data.sizes.model_dump(),
        split_seed=data.split_seed,
        ood_sets=data.ood,
        corrupted=data.corrupted,
    )
    print(", ".join(f"{split['count']} {name}" for name, split in manifest["splits"].items()), "images")


if __name__ == "__main__":
    run(main)
