"""Which images a study trains, validates and tests on.

A protocol takes {part: Images} and the wanted sizes and gives {split: (part, index)}, index int64, rising, positions in
the official order of the part. Splits are disjoint and stratified by label, and depend on `seed` and the sizes alone,
never on a run's seed. Test images are chosen first and training images last, so that a smaller training set leaves the
others as they are.
"""

from collections.abc import Callable

import numpy as np

from softcifar.data.images import Images
from softcifar.errors import UserError

Splits = dict[str, tuple[str, np.ndarray]]
ORDER = ("test", "validation", "train")


def standard(parts: dict[str, Images], sizes: dict[str, int | None], seed: int) -> Splits:
    """Official test part (or a subset); validation and training images from the train part.

    Where there is no official test part, the test images come from the train part too.
    """
    if "train" not in parts:
        raise UserError("data.images: this data set was fetched without its training part; give it only_test: false")
    apart = ("test",) if "test" in parts else ()
    rest = [split for split in ORDER if split not in apart]
    splits = {split: ("train", index) for split, index in _pick(parts, "train", rest, sizes, seed).items()}
    splits |= {split: ("test", index) for split, index in _pick(parts, "test", apart, sizes, seed).items()}
    return splits


def cifar10h(parts: dict[str, Images], sizes: dict[str, int | None], seed: int) -> Splits:
    """All three splits from the official test part, the images that many people voted on (8,000 / 500 / 1,500)."""
    if "test" not in parts or parts["test"].votes is None:
        raise UserError(
            "data.protocol: 'cifar10h' needs people's votes on the official test images, which are missing; "
            "name a data set with source cifar10h as data.votes.test"
        )
    return {split: ("test", index) for split, index in _pick(parts, "test", ORDER, sizes, seed).items()}


PROTOCOLS: dict[str, Callable[[dict[str, Images], dict[str, int | None], int], Splits]] = {
    "standard": standard,
    "cifar10h": cifar10h,
}


def _pick(
    parts: dict[str, Images], part: str, splits: tuple[str, ...] | list[str], sizes: dict[str, int | None], seed: int
) -> dict[str, np.ndarray]:
    """Disjoint stratified subsets of one part, sizes[split] images each; None takes all that the others leave."""
    if not splits:
        return {}
    labels = parts[part].labels
    total, wanted = len(labels), {split: sizes[split] for split in splits}
    open_ended = [split for split, size in wanted.items() if size is None]
    taken = sum(size for size in wanted.values() if size is not None)
    listed = ", ".join(f"{split} {'null' if size is None else size}" for split, size in wanted.items())
    if len(open_ended) > 1:
        raise UserError(
            f"data.sizes: {' and '.join(open_ended)} are null but share the {total} images of the {part} part; "
            "null (all that remain) is allowed for one of them"
        )
    if taken + len(open_ended) > total:
        raise UserError(f"data.sizes: {listed} is more than the {total} images of the {part} part")
    remaining, chosen = np.arange(total), {}
    for split in splits:
        size = total - taken if wanted[split] is None else wanted[split]
        picked = _stratified(labels[remaining], size, seed, f"data.sizes.{split}")
        chosen[split] = np.sort(remaining[picked])
        remaining = np.delete(remaining, picked)
    return chosen


def _stratified(labels: np.ndarray, size: int, seed: int, key: str) -> np.ndarray:
    """Positions of `size` entries with every class in proportion; UserError where a class would be missing."""
    if size == len(labels):
        return np.arange(size)
    from sklearn.model_selection import train_test_split

    classes = len(np.unique(labels))
    if size < classes:
        raise UserError(f"{key}: found {size} for {classes} classes; allowed: one image of every class or more")
    if len(labels) - size < classes:
        raise UserError(
            f"{key}: {size} of {len(labels)} images leave {len(labels) - size} for {classes} classes; "
            "allowed: all, or so many that one image of every class is left"
        )
    try:
        picked, _ = train_test_split(np.arange(len(labels)), train_size=size, stratify=labels, random_state=seed)
    except ValueError as error:
        raise UserError(f"{key}: {size} of {len(labels)} images cannot be chosen by class ({error})") from None
    return picked
