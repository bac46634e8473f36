"""The pool: which images may be bought, with which labels a run starts, and what an annotator says of an image."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from softcifar.errors import UserError
from softcifar.seeding import derive


@dataclass(frozen=True)
class Pool:
    """rows int64 (N,): positions in the training split, rising; ambiguous bool (N,); labels int64 (N,), the data set's;
    shares float64 (N, K): how people's answers are distributed, one-hot on the label where that is not known."""

    rows: np.ndarray
    ambiguous: np.ndarray
    labels: np.ndarray
    shares: np.ndarray


def ambiguous_images(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which images of a part of the study are ambiguous, bool (N,).

    Those that the data set made to be so (array `ambiguous`); without such an array, those whose exact label distribution is
    known and makes no class certain; else none.
    """
    if "ambiguous" in arrays:
        return arrays["ambiguous"].astype(bool)
    if "exact" in arrays:
        return arrays["exact"].max(axis=1) < 1
    return np.zeros(len(arrays["labels"]), dtype=bool)


def pool_of(name: str, arrays: Mapping[str, np.ndarray], classes: int, *, kind: str, clean: int | None, seed: int) -> Pool:
    """The pool of an acquisition, the same for all its runs.

    name: for messages; arrays: of the training split (softcifar.data.splits.load_arrays); kind: 'clean' (only images that are
    not ambiguous) or 'dirty' (the ambiguous ones as well); clean: how many images that are not ambiguous, drawn by `seed`;
    None: all. UserError where there are not so many, no ambiguous ones, or ambiguous ones of which nobody knows what people
    would say.
    """
    ambiguous = ambiguous_images(arrays)
    rows = np.flatnonzero(~ambiguous)
    if clean is not None:
        if clean > len(rows):
            raise UserError(
                f"acquisitions.{name}.clean: found {clean}; allowed: at most {len(rows)}, the training images that are not "
                "ambiguous"
            )
        rows = np.random.default_rng(derive(seed, "pool")).choice(rows, clean, replace=False)
    if kind == "dirty":
        if not ambiguous.any():
            raise UserError(
                f"acquisitions.{name}.pool: found dirty, but no training image is known to be ambiguous; allowed: clean, or a "
                "data set with ambiguous images"
            )
        rows = np.concatenate([rows, np.flatnonzero(ambiguous)])
    rows = np.sort(rows)
    labels = arrays["labels"][rows]
    shares, known = answer_shares(arrays, rows, classes)
    if unknown := int((ambiguous[rows] & ~known).sum()):
        raise UserError(
            f"acquisitions.{name}.pool: found dirty, but {unknown} ambiguous images have neither votes nor an exact label "
            "distribution to draw an annotator's label from; allowed: clean, or a data set with votes"
        )
    return Pool(rows, ambiguous[rows], labels, shares)


def answer_shares(arrays: Mapping[str, np.ndarray], rows: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """How people's answers are distributed, float64 (N, K), and whether that is known, bool (N,).

    The exact distribution where it is known, else the shares of people's votes, else all answers are the data set's label.
    """
    shares, known = np.eye(classes)[arrays["labels"][rows]], np.zeros(len(rows), dtype=bool)
    for key in ("votes", "exact"):
        if key in arrays:
            counts = arrays[key][rows].astype(np.float64)
            there = counts.sum(axis=1) > 0
            shares[there] = counts[there] / counts[there].sum(axis=1, keepdims=True)
            known |= there
    return shares, known


def start_set(name: str, pool: Pool, classes: list[str], per_class: int, seed: int) -> np.ndarray:
    """Positions in the pool of the images that a run has labels of at first, int64, rising: so many of every class.

    They are drawn among the images that are not ambiguous, whose label is sure, so that every class is there. UserError where
    a class has fewer of them.
    """
    generator, chosen = np.random.default_rng(derive(seed, "start")), []
    for number, title in enumerate(classes):
        own = np.flatnonzero((pool.labels == number) & ~pool.ambiguous)
        if len(own) < per_class:
            raise UserError(
                f"acquisitions.{name}.start: found {per_class}, but the pool has {len(own)} unambiguous images of class "
                f"'{title}'; allowed: at most that"
            )
        chosen.append(generator.choice(own, per_class, replace=False))
    return np.sort(np.concatenate(chosen))


def answers_of(shares: np.ndarray, count: int, seed: int) -> list[int]:
    """What `count` people say of an image, each by himself: classes drawn from the shares (K,) of its answers.

    The first answers are the same whatever `count` is.
    """
    return np.random.default_rng(seed).choice(len(shares), size=count, p=shares / shares.sum()).tolist()
