"""Split the data set of the study, join its votes and convert the novel images: python -m stages.prepare."""

from pathlib import Path

from softcifar.data.prepare import prepare
from softcifar.data.repeated import prepare_repeated
from softcifar.pipeline.stage import entry, run


def main() -> Path:
    data = entry("prepare").params
    folders = Path("data/raw"), Path("data/study"), Path("data/ood"), Path("data/corrupted")
    sources, sizes, images = data["sources"], data["sizes"], data["images"]
    if data["protocol"] == "repeated":
        manifest = prepare_repeated(*folders, sources=sources, images=images, sizes=sizes)
        points = ", ".join(f"{split['count']} {name}" for name, split in manifest["splits"].items())
        print(f"{manifest['data_sets']} data sets of {points} points")
        return folders[1]
    manifest = prepare(
        *folders,
        sources=sources,
        protocol=data["protocol"],
        images=images,
        votes=data["votes"],
        sizes=sizes,
        split_seed=data["split_seed"],
        ood_sets=data["ood"],
        corrupted=data["corrupted"],
        count=data["splits"],
    )
    each = " in each split" if data["splits"] > 1 else ""
    print(", ".join(f"{part['count']} {name}" for name, part in manifest["splits"].items()), f"images{each}")
    return folders[1]


if __name__ == "__main__":
    run(main)
