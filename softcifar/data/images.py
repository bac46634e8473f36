"""What every image source gives, and what a source is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softcifar.errors import UserError
from softcifar.files import read_npz

DOWNLOAD_AGAIN = "run the download stage again (dvc repro)"


@dataclass(frozen=True)
class Images:
    """One part ("train" or "test") of a data set, in its official order.

    images: uint8 (N, H, W, C), C = 1 (grey) or 3 (RGB). labels: int64 (N,) in 0..K-1, None where unknown.
    votes: int64 (N, K) people's votes, exact: float64 (N, K) the true label distribution, None where there are none.
    ambiguous: bool (N,) which images were made to be ambiguous, None where none were.
    classes: the K class names in label order, empty where unknown.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    votes: np.ndarray | None = None
    exact: np.ndarray | None = None
    ambiguous: np.ndarray | None = None
    classes: tuple[str, ...] = ()


def labelled(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], path: Path) -> Images:
    """Images (N, H, W, C) with labels (N,) of a published file; UserError that names it where they do not fit each other."""
    if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
        raise UserError(f"{path}: found images of {images.dtype} and shape {images.shape}; {DOWNLOAD_AGAIN}")
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        found = f"labels of {labels.dtype} and shape {labels.shape} for {len(images)} images"
        raise UserError(f"{path}: found {found}; {DOWNLOAD_AGAIN}")
    if labels.size and not 0 <= labels.min() <= labels.max() < len(classes):
        raise UserError(f"{path}: found labels from {labels.min()} to {labels.max()}, {len(classes)} classes; {DOWNLOAD_AGAIN}")
    return Images(images, labels.astype(np.int64), classes=classes)


def read_unlabelled(folder: Path) -> dict[str, Images]:
    """{"train"}: the images (N, H, W, C) of folder/images.npz, without labels."""
    return {"train": Images(read_npz(folder / "images.npz", "images")["images"])}


@dataclass(frozen=True)
class Source:
    """How to get a data set and how to read it back.

    fetch(folder, **options) fills an existing, empty folder; its keyword-only parameters are options in params.yaml.
    read(folder) gives {part: Images}; a set without an official test part has the one part "train".
    read_votes(folder) gives {part: votes int64 (N, K)} for the images of another data set, in their official order.
    read_corrupted(folder) gives (corruption, images uint8 (5, N, H, W, C) by severity 1 to 5) for the test images of another
    data set, in their official order.
    read_data_sets(folder) gives the class names and {split: arrays} of many small data sets of points, for data.protocol
    repeated: points float32 (D, N, features), labels int64 (D, N), exact float32 (D, N, K), dense bool (D, N).
    """

    fetch: Callable[..., None]
    read: Callable[[Path], dict[str, Images]] | None = None
    read_votes: Callable[[Path], dict[str, np.ndarray]] | None = None
    read_corrupted: Callable[[Path], Iterator[tuple[str, np.ndarray]]] | None = None
    read_data_sets: Callable[[Path], tuple[tuple[str, ...], dict[str, dict[str, np.ndarray]]]] | None = None
