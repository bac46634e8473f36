"""ambiguous_mnist: digits between classes, drawn by a network, with ten labels each (Mukhoti et al. 2023, CVPR); Apache-2.0.

The published order: each image with its ten labels in turn; the first 60,000 labels, those of 6,000 images, are for training.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Source
from softcifar.data.mixed import Clean, check_clean, mnist, read_mixed, write_mixed
from softcifar.data.mnist import DIGITS
from softcifar.errors import UserError
from softcifar.files import reading

IMAGES, LABELS = "amnist_samples.pt", "amnist_labels.pt"
FILES = {IMAGES: "4f7865093b1d28e34019847fab917722", LABELS: "3bfc055a9f91a76d8d493e8b898c3c95"}
TRAINING = 60_000  # labels
ADDRESS = "https://github.com/BlackHC/ddu_dirty_mnist/releases/download/data-v1.0.0"


def fetch(
    folder: Path,
    *,
    rows: Literal["images", "labels"] = "images",
    clean: Clean = None,
    clean_test: Clean = None,
) -> None:
    """Write MNIST's own images and the published ambiguous ones behind them to folder/{train,test}.npz.

    rows: images: an image is one row, its labels are its votes and the first one is its label. labels: an image is ten rows
    with a label each, as published, so that copies of one image may get into the training and the validation part.
    clean, clean_test: how many of MNIST's training and test images join them, evenly spaced; null: all, 0: none. A clean image
    has as many votes as an ambiguous one, all for the data set's label.
    """
    wanted = {"train": clean, "test": clean_test}
    check_clean(wanted)
    with TemporaryDirectory(dir=folder) as inside:
        fetch_published(Path(inside))
        images, labels = read_published(Path(inside))
    write_mixed(folder, mnist(folder), split(images, labels, rows), wanted)


@fetching.known_by(FILES)
def fetch_published(folder: Path) -> None:
    """Put the two published files into folder."""
    for name, checksum in FILES.items():
        path = f"AmbiguousMNIST/{name}"  # where the authors' own package puts it
        fetching.fetch_file(fetching.Published(path, f"md5:{checksum}", (f"{ADDRESS}/{name}",)), folder / name)


def read_published(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(images uint8 (N, 28, 28, 1), rounded from the published 0 to 1; labels int64 (N, M), M of each image)."""
    images, labels = (_tensor(folder / name) for name in (IMAGES, LABELS))
    found = f"{images.dtype} of shape {images.shape}"
    if images.dtype.kind != "f" or images.ndim != 4 or images.shape[1:] != (1, 28, 28) or not len(images):
        raise UserError(
            f"{folder / IMAGES}: found {found}; the published file has decimal numbers (N, 1, 28, 28); {DOWNLOAD_AGAIN}"
        )
    if not (images.min() >= 0 and images.max() <= 1):  # which also finds what is no number
        raise UserError(
            f"{folder / IMAGES}: found pixels from {images.min()} to {images.max()}; allowed: 0 to 1; {DOWNLOAD_AGAIN}"
        )
    found = f"{labels.dtype} of shape {labels.shape} for {len(images)} images"
    if labels.dtype.kind not in "iu" or labels.ndim != 2 or len(labels) != len(images) or not labels.shape[1]:
        raise UserError(f"{folder / LABELS}: found {found}; the published file has whole numbers (N, 10); {DOWNLOAD_AGAIN}")
    if not 0 <= labels.min() <= labels.max() < len(DIGITS):
        raise UserError(
            f"{folder / LABELS}: found labels from {labels.min()} to {labels.max()}; allowed: 0 to 9; {DOWNLOAD_AGAIN}"
        )
    return np.rint(255 * images.astype(np.float64)).astype(np.uint8).transpose(0, 2, 3, 1), labels.astype(np.int64)


def split(images: np.ndarray, labels: np.ndarray, rows: str) -> dict[str, dict[str, np.ndarray]]:
    """{"train", "test"}: images, labels and votes of each, the first images for training; images (N, ...), labels (N, M)."""
    training = TRAINING // labels.shape[1]
    if len(images) <= training:
        raise UserError(
            f"{IMAGES}: found {len(images)} images; the first {training} are for training, none is left for testing"
        )
    parts = {"train": slice(None, training), "test": slice(training, None)}
    return {part: _rows(images[chosen], labels[chosen], rows) for part, chosen in parts.items()}


def _rows(images: np.ndarray, labels: np.ndarray, rows: str) -> dict[str, np.ndarray]:
    if rows == "labels":
        images, labels = np.repeat(images, labels.shape[1], axis=0), labels.reshape(-1, 1)
    votes = (labels[..., None] == np.arange(len(DIGITS))).sum(axis=1)
    return {"images": images, "labels": labels[:, 0], "votes": votes}


def _tensor(path: Path) -> np.ndarray:
    import torch

    with reading(path, "the published file", DOWNLOAD_AGAIN):
        found = torch.load(path, map_location="cpu", weights_only=True)  # nothing but tensors is read
        if not isinstance(found, torch.Tensor):
            raise ValueError(f"it holds no tensor but a {type(found).__name__}")
        return found.numpy()


AMBIGUOUS_MNIST = Source(fetch, read_mixed)
