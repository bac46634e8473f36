"""The prepared study as the later stages read it: the parts of its splits, and what belongs to one split alone.

A study has one split of its images into a training, a validation and a test part, or k of them (`data.splits`). Run r trains,
validates and tests on split r modulo k; nothing but the choice of the study's images is shared between splits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel

from softcifar.errors import UserError
from softcifar.files import atomic_folder, read_json, read_npz, write_npz
from softcifar.seeding import derive

PARTS = ("train", "validation", "test")

Seeds = TypeVar("Seeds", bound=BaseModel)  # softcifar.params.sections.Seeds, which itself imports this package


@dataclass(frozen=True)
class Split:
    """One part of a split: images uint8 (N, H, W, C); labels int64 (N,); index int64 (N,) in the source's official order; votes
    (N, K) and the exact label distribution (N, K) where they are known."""

    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    votes: np.ndarray | None = None
    exact: np.ndarray | None = None


def spaced(total: int, wanted: int) -> np.ndarray:
    """Positions of at most `wanted` of `total` images, evenly spaced: images may lie sorted by class. int64 (M,)."""
    return np.linspace(0, total - 1, min(wanted, total)).round().astype(np.int64)


def load_split(folder: Path, part: str, split: int = 0) -> Split:
    """One part ("train", "validation", "test") of one split of the study in `folder`."""
    arrays = load_arrays(folder, part, split)
    return Split(**{name: arrays.get(name) for name in Split.__dataclass_fields__})


def load_arrays(folder: Path, part: str, split: int = 0) -> dict[str, np.ndarray]:
    """The same as arrays by name, those alone that are known."""
    return of_rows(read_npz(folder / f"{part}.npz", "images", "labels", "index"), split)


def of_rows(arrays: dict[str, np.ndarray], split: int) -> dict[str, np.ndarray]:
    """A split's rows of arrays that hold the images of all splits once; `rows` int64 (k, N) is there where k > 1."""
    rows = arrays.pop("rows", None)
    return arrays if rows is None else {name: values[rows[split]] for name, values in arrays.items()}


def load_ambiguous(folder: Path, part: str, split: int = 0) -> np.ndarray | None:
    """Which images of a part of one split were made to be ambiguous, bool (N,); None where the study knows of none."""
    return load_arrays(folder, part, split).get("ambiguous")


def load_corrupted(path: Path, split: int, severity: int) -> np.ndarray:
    """A split's test images as a published corruption left them, uint8 (N, H, W, C); severity 1 to 5."""
    arrays = read_npz(path, "images")
    return of_rows(arrays | {"images": arrays["images"][severity - 1]}, split)["images"]


def load_inputs(folder: Path) -> list[dict]:
    """What networks are built from, per split: {"classes", "image_shape", "mean", "std"}; a study has so many splits."""
    inputs = read_json(folder / "inputs.json")
    return inputs if isinstance(inputs, list) else [inputs]


def seeds_of(seeds: Seeds, split: int, splits: int) -> Seeds:
    """The seeds of the runs of one of k splits: its run j is the study's run split + j k.

    Each split has seeds of its own (split 0 the study's), which do not depend on how many runs there are.
    """
    runs = len(range(split, seeds.runs, splits))
    of_split = {"runs": runs, "init": seed_of(seeds.init, split), "order": seed_of(seeds.order, split)}
    return seeds.model_copy(update=of_split)


def seed_of(seed: int, split: int) -> int:
    return derive(seed, "split", split) if split else seed


def named(name: str, split: int, splits: int) -> str:
    """What messages call an item on one of k splits."""
    return name if splits == 1 else f"{name} (split {split})"


def folder_of(folder: Path, split: int, splits: int) -> Path:
    """Where in an item's folder lies what belongs to one of k splits: the folder itself where k is 1."""
    return folder if splits == 1 else folder / f"split_{split}"


@contextmanager
def folders_of(folder: Path, splits: int) -> Iterator[list[Path]]:
    """A folder per split, to be filled; where k > 1 they take their place in `folder` together, when the block ends well."""
    if splits == 1:
        yield [folder]
    else:
        with atomic_folder(folder) as part:
            yield [folder_of(part, split, splits) for split in range(splits)]


def write_splits(path: Path, arrays: Sequence[dict[str, np.ndarray]]) -> None:
    """Write an npz of what belongs to each split; where k > 1 every array has k rows, and there is an array `splits`, k."""
    if len(arrays) == 1:
        write_npz(path, **arrays[0])
    else:
        write_npz(path, splits=np.int64(len(arrays)), **{name: np.stack([each[name] for each in arrays]) for name in arrays[0]})


def read_of_split(path: Path, split: int, *required: str) -> dict[str, np.ndarray]:
    """What such a file holds of one split."""
    arrays = read_npz(path, *required)
    return {name: values[split] for name, values in arrays.items()} if arrays.pop("splits", None) is not None else arrays


def load_targets(path: Path, train: Split, split: int = 0) -> np.ndarray:
    """The label file's probabilities, float32 (C, N, K) for C tuned choices of its source (1 where none is tuned).

    UserError where it was made for other images.
    """
    arrays = read_of_split(path, split, "probs", "index")
    if not np.array_equal(arrays["index"], train.index):
        raise UserError(f"{path}: was made for other training images; run its soften stage again (dvc repro)")
    return arrays["probs"]
