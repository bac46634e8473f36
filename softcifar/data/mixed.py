"""Ambiguous digits beside MNIST's own images, as one data set that says which are which (Dirty-MNIST: Mukhoti et al. 2023)."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from softcifar.data.images import Images
from softcifar.data.mnist import DIGITS, MNIST
from softcifar.data.splits import spaced
from softcifar.errors import UserError
from softcifar.files import read_npz, write_npz

PARTS = {"train": 60_000, "test": 10_000}
Clean = Annotated[int, Ge(0), Le(PARTS["train"])] | None  # so many of MNIST's images; null: all of the part


def mnist(folder: Path) -> dict[str, Images]:
    """MNIST's official parts, got in a folder inside `folder` that is removed again."""
    with TemporaryDirectory(dir=folder) as inside:
        MNIST.fetch(Path(inside))
        return MNIST.read(Path(inside))


def check_clean(clean: dict[str, int | None]) -> None:
    """UserError where a part of MNIST has fewer images than wanted of it."""
    for (part, count), option in zip(clean.items(), ("clean", "clean_test"), strict=True):
        if count is not None and count > PARTS[part]:
            raise UserError(
                f"{option}: found {count}; allowed: 0 to {PARTS[part]} (MNIST's {part} images), or null for all of them"
            )


def write_mixed(
    folder: Path, parts: dict[str, Images], ambiguous: dict[str, dict[str, np.ndarray]], clean: dict[str, int | None]
) -> None:
    """Write folder/{train,test}.npz: `clean` images of each part of MNIST, evenly spaced, then the ambiguous ones.

    ambiguous: images uint8 (N, 28, 28, 1), labels int64 (N,), votes int64 (N, 10), as many on each image. A clean image has as
    many votes, all for the data set's label.
    """
    for part, found in ambiguous.items():
        content = parts[part]
        kept = spaced(len(content.images), len(content.images) if clean[part] is None else clean[part])
        each = int(found["votes"][0].sum())
        votes = each * np.eye(len(DIGITS), dtype=np.int64)[content.labels[kept]]
        write_npz(
            folder / f"{part}.npz",
            images=np.concatenate([content.images[kept], found["images"]]),
            labels=np.concatenate([content.labels[kept], found["labels"]]),
            votes=np.concatenate([votes, found["votes"]]),
            ambiguous=np.arange(len(kept) + len(found["images"])) >= len(kept),
        )


def read_mixed(folder: Path) -> dict[str, Images]:
    """{"train", "test"}: images (N, 28, 28, 1) with labels, votes, and which of them were made to be ambiguous."""
    parts = {}
    for part in PARTS:
        arrays = read_npz(folder / f"{part}.npz", "images", "labels", "votes", "ambiguous")
        parts[part] = Images(**arrays, classes=DIGITS)
    return parts
