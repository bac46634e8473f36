"""The prepared study as the later stages read it: splits, out-of-distribution sets and label files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softcifar.errors import UserError
from softcifar.files import read_npz


@dataclass(frozen=True)
class Split:
    """images uint8 (N, H, W, C); labels int64 (N,); index int64 (N,) in the source's official order; votes (N, K) and the exact
    label distribution (N, K) where they are known."""

    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    votes: np.ndarray | None = None
    exact: np.ndarray | None = None


def spaced(total: int, wanted: int) -> np.ndarray:
    """Positions of at most `wanted` of `total` images, evenly spaced: images may lie sorted by class. int64 (M,)."""
    return np.linspace(0, total - 1, min(wanted, total)).round().astype(np.int64)


def load_split(path: Path) -> Split:
    arrays = read_npz(path, "images", "labels", "index")
    return Split(**{name: arrays.get(name) for name in Split.__dataclass_fields__})


def load_targets(path: Path, split: Split) -> np.ndarray:
    """The label file's probabilities, float32 (C, N, K) for C tuned choices of its source (1 where none is tuned).

    UserError where it was made for other images.
    """
    arrays = read_npz(path, "probs", "index")
    if not np.array_equal(arrays["index"], split.index):
        raise UserError(f"{path}: was made for other training images; run its soften stage again (dvc repro)")
    return arrays["probs"]
