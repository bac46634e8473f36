"""Which images a study trains, validates and tests on.

A protocol takes {part: Images}, the wanted sizes, a seed and the number k of splits, and gives k times {"train", "validation",
"test": (official part, index)}, index int64, rising, positions in the official order of the part. The parts of a split are
disjoint and stratified by label, and depend on `seed` and the sizes alone, never on a run's seed. Test images are chosen first
and training images last, so that a smaller training set leaves the others as they are.

Where test and training images come from the same official part, the test parts of k > 1 splits are its k folds: every image is
a test image in one of them. An official test part is that of every split, and the splits differ in their validation images.
"""

from collections.abc import Callable

import numpy as np

from softcifar.data.images import Images
from softcifar.errors import UserError
from softcifar.seeding import derive

Sizes = dict[str, int | None]
Splits = list[dict[str, tuple[str, np.ndarray]]]
ORDER = ("test", "validation", "train")


def standard(parts: dict[str, Images], sizes: Sizes, seed: int, splits: int = 1) -> Splits:
    """Official test part (or a subset); validation and training images from the train part.

    Where there is no official test part, the test images come from the train part too.
    """
    if "train" not in parts:
        raise UserError("data.images: this data set was fetched without its training part; give it only_test: false")
    if "test" not in parts:
        return _of_one_part(parts, "train", sizes, seed, splits)
    test = _pick(parts["test"].labels, "test part", ("test",), sizes, seed)["test"]
    rest = [_pick(parts["train"].labels, "train part", ORDER[1:], sizes, seed + number) for number in range(splits)]
    return [{"test": ("test", test)} | {name: ("train", index) for name, index in each.items()} for each in rest]


def cifar10h(parts: dict[str, Images], sizes: Sizes, seed: int, splits: int = 1) -> Splits:
    """All from the official test part, the images that many people voted on (8,000 / 500 / 1,500 where there is one split)."""
    if "test" not in parts or parts["test"].votes is None:
        raise UserError(
            "data.protocol: 'cifar10h' needs people's votes on the official test images, which are missing; "
            "name a data set with source cifar10h as data.votes.test"
        )
    return _of_one_part(parts, "test", sizes, seed, splits)


PROTOCOLS: dict[str, Callable[[dict[str, Images], Sizes, int, int], Splits]] = {
    "standard": standard,
    "cifar10h": cifar10h,
}


def _of_one_part(parts: dict[str, Images], part: str, sizes: Sizes, seed: int, splits: int) -> Splits:
    labels = parts[part].labels
    if splits == 1:
        chosen = [_pick(labels, f"{part} part", ORDER, sizes, seed)]
    else:
        chosen = []
        for number, test in enumerate(_folds(labels, part, sizes["test"], seed, splits)):
            others = np.delete(np.arange(len(labels)), test)
            rest = _pick(labels[others], f"{part} part outside a fold", ORDER[1:], sizes, seed + number)
            chosen.append({"test": test} | {name: others[index] for name, index in rest.items()})
    return [{name: (part, index) for name, index in each.items()} for each in chosen]


def _folds(labels: np.ndarray, part: str, size: int | None, seed: int, folds: int) -> list[np.ndarray]:
    """The positions of each fold, rising: all of one size, with every class in proportion."""
    from sklearn.model_selection import StratifiedKFold

    total, rarest = len(labels), np.bincount(labels)[np.unique(labels)].min()
    if total % folds or folds > rarest:
        raise UserError(
            f"data.splits: found {folds}, but the {part} part has {total} images, {rarest} of its rarest class; allowed: a "
            "number that divides the former, so that test parts are of one size, and is at most the latter"
        )
    if size not in (None, total // folds):
        raise UserError(
            f"data.sizes.test: found {size} with data.splits {folds}; allowed: {total // folds} or null, as the test parts are "
            f"folds of the {total} images of the {part} part"
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=derive(seed, "splits") % 2**32)
    return [test for _, test in splitter.split(labels, labels)]


def _pick(labels: np.ndarray, part: str, splits: tuple[str, ...], sizes: Sizes, seed: int) -> dict[str, np.ndarray]:
    """Disjoint stratified subsets of one part, sizes[split] images each; None takes all that the others leave."""
    total, wanted = len(labels), {split: sizes[split] for split in splits}
    open_ended = [split for split, size in wanted.items() if size is None]
    taken = sum(size for size in wanted.values() if size is not None)
    listed = ", ".join(f"{split} {'null' if size is None else size}" for split, size in wanted.items())
    if len(open_ended) > 1:
        raise UserError(
            f"data.sizes: {' and '.join(open_ended)} are null but share the {total} images of the {part}; "
            "null (all that remain) is allowed for one of them"
        )
    if taken + len(open_ended) > total:
        raise UserError(f"data.sizes: {listed} is more than the {total} images of the {part}")
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
