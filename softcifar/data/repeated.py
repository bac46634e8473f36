"""data.protocol repeated: many small data sets of points, prepared together as arrays with a leading data-set axis."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from softcifar.data import DATA_SOURCES
from softcifar.errors import UserError, choose
from softcifar.files import atomic_folder, write_json, write_npz

SPLITS = ("train", "validation", "test")


def prepare_repeated(
    raw: Path, study: Path, ood: Path, corruptions: Path, *, sources: dict[str, str], images: str, sizes: dict[str, int | None]
) -> dict:
    """Write study/{train,validation,test}.npz, inputs.json, manifest.json, empty `ood` and `corruptions`; return the manifest.

    images: the data set, a key of sources {data set: its source}. sizes: points per data set and split, the first ones (None:
    all). UserError where the source draws no such data sets or fewer points, or a data set would lack a class.
    """
    source = choose(DATA_SOURCES, choose(sources, images, "data.images"), f"datasets.{images}.source")
    if source.read_data_sets is None:
        allowed = ", ".join(sorted(name for name, each in DATA_SOURCES.items() if each.read_data_sets is not None))
        raise UserError(
            f"data.protocol: 'repeated' needs many small data sets, but '{images}' has the source {sources[images]}; "
            f"allowed sources: {allowed}"
        )
    classes, parts = source.read_data_sets(raw / images)
    data_sets, _, features = parts["train"]["points"].shape
    inputs = {"classes": list(classes), "features": features, "data_sets": data_sets}
    manifest = {**inputs, "protocol": "repeated", "dataset": images, "source": sources[images], "splits": {}}
    study.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=study, prefix=".part-") as part,
        atomic_folder(ood) as ood_part,
        atomic_folder(corruptions) as corruptions_part,
    ):
        for split in SPLITS:
            arrays = _first(parts[split], sizes[split], f"data.sizes.{split}")
            _check_classes(arrays["labels"], classes, split)
            write_npz(Path(part) / f"{split}.npz", **arrays)
            manifest["splits"][split] = {"count": arrays["labels"].shape[1], "dense": round(float(arrays["dense"].mean()), 6)}
        write_json(Path(part) / "manifest.json", manifest)
        write_json(Path(part) / "inputs.json", inputs)
        write_json(ood_part / "manifest.json", {})
        write_json(corruptions_part / "manifest.json", {"corruptions": []})
        for file in sorted(Path(part).iterdir()):
            file.replace(study / file.name)
    return manifest


def _first(arrays: dict[str, np.ndarray], size: int | None, key: str) -> dict[str, np.ndarray]:
    drawn = arrays["labels"].shape[1]
    if size is not None and size > drawn:
        raise UserError(f"{key}: found {size}; allowed: at most the {drawn} points of every data set")
    return {name: values[:, :size] for name, values in arrays.items()}


def _check_classes(labels: np.ndarray, classes: tuple[str, ...], split: str) -> None:
    for number, row in enumerate(labels):
        missing = np.setdiff1d(np.arange(len(classes)), row)
        if len(missing):
            raise UserError(
                f"data.sizes.{split}: data set {number} has no {split} point of class '{classes[missing[0]]}' among its "
                f"{len(row)}; allowed: so many that every class has one"
            )
