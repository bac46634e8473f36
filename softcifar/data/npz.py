"""npz: your own images, as training data or as novel images.

Arrays of the file: `images` uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3); `labels` whole numbers 0..K-1 (N,), needed
for training; optional `votes` whole numbers (N, K), a row per image; optional `classes`, K names;
optional `test_images`, `test_labels`, `test_votes`, an official test part. Without it a stratified test set is split off.
"""

import shutil
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import Images, Source
from softcifar.errors import UserError
from softcifar.files import read_npz, write_npz
from softcifar.params.ranges import PositiveInt

NAME = "data.npz"
CLASSES = 100_000  # at most; a name is made for every number up to the largest label, and arrays of that length
VOTES = 10**9  # of one image for one class, at most: sums of them are exact
KNOWN = ("images", "labels", "votes", "classes", "test_images", "test_labels", "test_votes")


def fetch(folder: Path, *, path: str, sha256: str = "", count: PositiveInt | None = None) -> None:
    """Check the file and copy it into folder.

    path: relative to the working folder, else to the folder that SOFTCIFAR_MIRROR names. sha256: of the file; needed,
    because this is how the pipeline notices that the file has changed. The error for a missing one says what it is.
    count: keep so many of the images (not of an official test part), evenly spaced, since files may be sorted by class.
    """
    source = locate(path)
    if source is None:
        raise UserError(
            f"path: there is no file '{path}'; a path is relative to the working folder or to the folder that "
            f"{fetching.MIRROR} names"
        )
    verify(source, sha256)
    arrays = read_npz(source, "images")
    _parts(arrays, source)
    unknown = sorted(set(arrays) - set(KNOWN))
    if unknown:
        print(f"{source}: not used: {', '.join(unknown)}; known arrays: {', '.join(KNOWN)}", file=sys.stderr)
    if count is None:
        shutil.copyfile(source, folder / NAME)
        return
    total = len(arrays["images"])
    if count > total:
        raise UserError(f"count: found {count}; allowed: at most the {total} images of '{source}'")
    kept = np.linspace(0, total - 1, count).round().astype(np.int64)
    arrays |= {name: arrays[name][kept] for name in ("images", "labels", "votes") if name in arrays}
    write_npz(folder / NAME, **{name: array for name, array in arrays.items() if name in KNOWN})


def locate(path: str) -> Path | None:
    """The file in the working folder, else in the folder that SOFTCIFAR_MIRROR names; None where neither has it."""
    return Path(path) if Path(path).is_file() else fetching.in_mirror(path, None)


def verify(file: Path, sha256: str) -> None:
    """Raise UserError unless the file has this checksum."""
    actual = fetching.digest(file, "sha256")
    if not sha256:
        raise UserError(f"sha256: missing for '{file}'; write sha256: {actual}, by which a changed file is noticed")
    if sha256.lower() != actual:
        raise UserError(f"sha256: '{file}' has {actual}, the params expect {sha256}; correct them if this is the right file")


def read(folder: Path) -> dict[str, Images]:
    """{"train"} or {"train", "test"}: images (N, H, W, C) with the labels and votes that the file has."""
    path = folder / NAME
    return _parts(read_npz(path, "images"), path)


def checked(file: Path, unread: Collection[str] = ()) -> dict[str, Images]:
    """A user's file as `read` reads the copy of it; unread: see softcifar.files.read_npz."""
    return _parts(read_npz(file, "images", unread=unread), file)


def _parts(arrays: dict[str, np.ndarray], path: Path) -> dict[str, Images]:
    """Check every array; UserError that names the array, what was found and what is allowed."""
    if "test_images" not in arrays and ("test_labels" in arrays or "test_votes" in arrays):
        raise UserError(f"{path}: has test_labels or test_votes but no test_images; add them or leave all three out")
    prefixes = {"train": "", "test": "test_"} if "test_images" in arrays else {"train": ""}
    classes = _classes(arrays, prefixes, path)
    parts = {}
    for part, prefix in prefixes.items():
        images = _images(arrays[f"{prefix}images"], f"{path}: {prefix}images")
        labels, votes = arrays.get(f"{prefix}labels"), arrays.get(f"{prefix}votes")
        if labels is not None:
            labels = _labels(labels, len(images), len(classes), f"{path}: {prefix}labels")
        if votes is not None:
            votes = _votes(votes, len(images), len(classes), f"{path}: {prefix}votes")
        parts[part] = Images(images, labels, votes, classes=classes)
    if "test" in parts and parts["test"].images.shape[1:] != parts["train"].images.shape[1:]:
        raise UserError(
            f"{path}: test_images are {parts['test'].images.shape[1:]} (height, width, channels) where images are "
            f"{parts['train'].images.shape[1:]}; both must be the same"
        )
    return parts


def _classes(arrays: dict[str, np.ndarray], prefixes: dict[str, str], path: Path) -> tuple[str, ...]:
    """Class names: given, or numbers up to the columns of the votes or the largest label."""
    if "classes" in arrays:
        names = arrays["classes"]
        if names.dtype.kind != "U" or names.ndim != 1 or len(set(names.tolist())) != len(names):
            raise UserError(f"{path}: classes must be a list of different names, found {_describe(names)}")
        return tuple(names.tolist())
    tables = [arrays[f"{prefix}votes"] for prefix in prefixes.values() if f"{prefix}votes" in arrays]
    if tables and tables[0].ndim == 2:
        return tuple(map(str, range(tables[0].shape[1])))
    labels = [arrays[f"{prefix}labels"] for prefix in prefixes.values() if f"{prefix}labels" in arrays]
    whole = [values for values in labels if values.dtype.kind in "iu" and values.size]
    largest = max((int(values.max()) for values in whole), default=-1)
    if largest >= CLASSES:
        raise UserError(f"{path}: labels must be in 0..{CLASSES - 1:,}, found {largest:,}; they count the classes from 0")
    return tuple(map(str, range(largest + 1)))


def _describe(array: np.ndarray) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _images(images: np.ndarray, where: str) -> np.ndarray:
    if images.dtype != np.uint8:
        raise UserError(f"{where} must be uint8 (0..255), found {_describe(images)}")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise UserError(f"{where} must be (N, H, W), (N, H, W, 1) or (N, H, W, 3), found {_describe(images)}")
    return images


def _labels(labels: np.ndarray, count: int, classes: int, where: str) -> np.ndarray:
    if labels.dtype.kind not in "iu":
        raise UserError(f"{where} must be whole numbers from 0, found {_describe(labels)}")
    if labels.shape != (count,):
        raise UserError(f"{where} must be one number per image, shape ({count},), found shape {labels.shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"{where} must be in 0..{classes - 1}, found {labels.min()}..{labels.max()}")
    return labels.astype(np.int64)


def _votes(votes: np.ndarray, count: int, classes: int, where: str) -> np.ndarray:
    if votes.dtype.kind not in "iu":
        raise UserError(f"{where} must be whole numbers of votes, found {_describe(votes)}")
    if votes.shape != (count, classes):
        raise UserError(
            f"{where} must be one row per image and one column per class, shape ({count}, {classes}), found shape {votes.shape}"
        )
    if votes.min() < 0 or votes.max() > VOTES:
        found = votes.min() if votes.min() < 0 else votes.max()
        raise UserError(f"{where} must be in 0..{VOTES:,}, found {found:,}")
    empty = np.flatnonzero(votes.sum(axis=1) == 0)
    if len(empty):
        raise UserError(f"{where}: {len(empty)} images have no vote at all, the first is image {empty[0]}")
    return votes.astype(np.int64)


NPZ = Source(fetch, read)
