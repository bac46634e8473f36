"""blended_digits: digits between two classes, made of MNIST's own images from a seed, with ten votes each.

Two digits of different classes are the ends of a path along which their ink moves (softcifar.data.displacement). Ten small
networks that saw neither of them (softcifar.data.annotators) judge nine points of the path. A point at which they doubt between
these two classes, and think of no third one, becomes an image: one point of each path that has any, drawn. Each network gives
the image one vote, drawn from what it takes the image for; the image's label is one of the ten votes, drawn.

Training images have both ends among MNIST's training images, test images among its test images. A digit may be an end of
several images, which may then be in the training and in the validation part of a study, unless `parents: once`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from tqdm import tqdm

from softcifar.data.displacement import between
from softcifar.data.images import Images, Source
from softcifar.data.mixed import Clean, CleanTest, mnist, read_mixed, write_mixed
from softcifar.data.splits import spaced
from softcifar.errors import UserError
from softcifar.files import write_npz
from softcifar.params.ranges import NonNegativeInt, PositiveInt
from softcifar.progress import bar
from softcifar.seeding import derive

if TYPE_CHECKING:
    from softcifar.data.annotators import Annotators

VOTES = 10  # of an image: one of each annotator
SHARES = np.arange(1, 10) / 10  # of the way from one digit to the other
SUREST = 0.8  # largest mean probability of a class at a point that is taken,
BOTH = 0.8  # and least one of the two classes together
NEAREST_OF = 500  # digits of the other class that are drawn; the most alike becomes the other end
SIDE = 4  # pixels of a square whose mean counts in what is alike
BLOCK = 50  # paths made from one random stream, so that asking for more images leaves the first ones as they are
PATHS = 20  # per image wanted, at most


@dataclass(frozen=True)
class Digits:
    """Grey images uint8 (N, H, W), their labels int64 (N,), and their positions int64 (N,) in MNIST's part."""

    images: np.ndarray
    labels: np.ndarray
    positions: np.ndarray


def fetch(
    folder: Path,
    *,
    seed: NonNegativeInt = 0,
    train: PositiveInt = 4000,
    test: PositiveInt = 1000,
    clean: Clean = None,
    clean_test: CleanTest = None,
    parents: Literal["any", "once"] = "any",
) -> None:
    """Write MNIST's own images and the ambiguous ones behind them to folder/{train,test}.npz; about two minutes on one core.

    train, test: how many ambiguous images are made. clean, clean_test: how many of MNIST's training and test images join
    them, evenly spaced; null: all, 0: none. A clean image has ten votes for the data set's label. parents: once: no digit is an
    end of two images, and no clean image one of any, so that no two images of the data set share a digit, in whichever parts of
    a study they are; any: they may. The same options give the same bytes on the same kind of processor. How the ambiguous ones
    were made is in folder/{train,test}_paths.npz: parents int64 (N, 2), positions in MNIST's part, and share (N,), of the way
    between them.
    """
    parts = mnist(folder)
    used = None
    if parents == "once":
        used = {part: joined(parts[part], count) for part, count in (("train", clean), ("test", clean_test))}
    made = blended(parts, {"train": train, "test": test}, seed, used)
    for part, arrays in made.items():
        write_npz(folder / f"{part}_paths.npz", parents=arrays.pop("parents"), share=arrays.pop("share"))
    write_mixed(folder, parts, made, {"train": clean, "test": clean_test})


def blended(
    parts: dict[str, Images], counts: dict[str, int], seed: int, used: Mapping[str, np.ndarray] | None = None
) -> dict[str, dict[str, np.ndarray]]:
    """{"train", "test"}: so many ambiguous images uint8 (N, H, W, 1) of these parts, labels, votes, parents and share.

    used: positions in each part, int64 (M,), of digits that may be no image's end, and no other digit that of two images; None:
    any digit may be an end, of any number.
    """
    from softcifar.data.annotators import Annotators  # here, because it imports torch

    train, test = parts["train"], parts["test"]
    half = np.random.default_rng(derive(seed, "halves")).permutation(len(train.images)) % 2
    halves = [_digits(train, np.flatnonzero(half == each)) for each in (0, 1)]
    with _one_thread(), bar(total=2 * VOTES, what="annotators", unit="network") as shown:
        annotators = [
            Annotators(each.images, each.labels, len(train.classes), VOTES, derive(seed, "annotators", number), shown.update)
            for number, each in enumerate(halves)
        ]
    with _one_thread(), bar(total=sum(counts.values()), what="blended digits", unit="image") as shown:
        # The halves judge each other: no annotator saw an end of a path that it judges.
        shares = [(counts["train"] + 1 - number) // 2 for number in (0, 1)]
        spent = {part: None if used is None else set(used[part].tolist()) for part in parts}
        each = [
            _taken(halves[number], annotators[1 - number], shares[number], derive(seed, number), shown, spent["train"])
            for number in (0, 1)
        ]
        tested = _digits(test, np.arange(len(test.images)))
        return {
            "train": _in_turn(*each),
            "test": _taken(tested, annotators[0], counts["test"], derive(seed, "test"), shown, spent["test"]),
        }


def paths(digits: Digits, count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(images uint8 (P, T, H, W) at the SHARES of the way, ends int64 (P, 2)) of so many paths between two of the digits.

    The first end is any digit; the other one is, of digits drawn from another class, the most alike.
    """
    height, width = digits.images.shape[1:]
    squares = digits.images.reshape(-1, height // SIDE, SIDE, width // SIDE, SIDE).mean(axis=(2, 4), dtype=np.float32)
    classes = np.unique(digits.labels)
    images, ends = [], []
    for first in generator.integers(len(digits.images), size=count):
        other = generator.choice(classes[classes != digits.labels[first]])
        drawn = generator.choice(np.flatnonzero(digits.labels == other), NEAREST_OF)
        second = drawn[((squares[drawn] - squares[first]) ** 2).sum(axis=(1, 2)).argmin()]
        images.append(between(digits.images[first], digits.images[second], SHARES, generator))
        ends.append((first, second))
    return np.stack(images), np.array(ends)


def judged(annotators: "Annotators", images: np.ndarray) -> np.ndarray:
    """What the annotators take the images (P, T, H, W) of paths for: probabilities (VOTES, P, T, K)."""
    opinions = annotators.judge(images.reshape(-1, *images.shape[2:]))
    return opinions.reshape(len(opinions), *images.shape[:2], -1)


def ambiguous(opinions: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Which points of the paths lie between their two classes (P, 2): bool (P, T); opinions (VOTES, P, T, K)."""
    mean = opinions.mean(axis=0)
    both = np.take_along_axis(mean, classes[:, None], axis=2).sum(axis=2)
    return (mean.max(axis=2) <= SUREST) & (both >= BOTH)


def joined(part: Images, count: int | None) -> np.ndarray:
    """Positions of the clean images that join, int64; UserError where these are all, which leaves no digit to be an end."""
    total = len(part.images)
    if count is None or count >= total:
        raise UserError(
            f"parents: found once, but all {total:,} images of a part join the ambiguous ones, which leaves none to make them "
            "of; allowed with once: a smaller number as clean and clean_test, or parents: any"
        )
    return spaced(total, count)


def _taken(
    digits: Digits, annotators: "Annotators", count: int, seed: int, shown: tqdm, used: set[int] | None
) -> dict[str, np.ndarray]:
    """The first `count` images that paths between these digits give; used: positions that are no ends any more, or None."""
    blocks, taken = [], 0
    for number in range(PATHS * count // BLOCK + 1):
        if taken < count:
            block = _block(digits, annotators, np.random.default_rng(derive(seed, number)))
            if used is not None:
                rows = _unused(block["parents"], used)
                block = {name: values[rows] for name, values in block.items()}
            blocks.append({name: values[: count - taken] for name, values in block.items()})
            taken += len(blocks[-1]["labels"])
            shown.update(len(blocks[-1]["labels"]))
    if taken < count:
        raise UserError(f"found {taken} ambiguous images on {PATHS * count:,} paths between digits where {count:,} are wanted")
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]} if blocks else {}


def _unused(parents: np.ndarray, used: set[int]) -> list[int]:
    """The rows (N, 2) both of whose positions are new, which are used from then on."""
    rows = []
    for row, ends in enumerate(parents.tolist()):
        if used.isdisjoint(ends):
            rows.append(row)
            used.update(ends)
    return rows


def _block(digits: Digits, annotators: "Annotators", generator: np.random.Generator) -> dict[str, np.ndarray]:
    """An image of each of BLOCK paths that have one."""
    images, ends = paths(digits, BLOCK, generator)
    opinions = judged(annotators, images)
    possible = ambiguous(opinions, digits.labels[ends])
    place = np.where(possible, generator.uniform(size=possible.shape), -1).argmax(axis=1)
    rows = np.flatnonzero(possible.any(axis=1))
    place, ends = place[rows], ends[rows]
    upto = opinions[:, rows, place].cumsum(axis=2)  # (VOTES, N, K)
    voted = (upto < generator.uniform(size=(*upto.shape[:2], 1)) * upto[..., -1:]).sum(axis=2)
    return {
        "images": images[rows, place][..., None],
        "labels": voted[generator.integers(VOTES, size=len(rows)), np.arange(len(rows))],
        "votes": (voted[..., None] == np.arange(upto.shape[2])).sum(axis=0),
        "parents": digits.positions[ends],
        "share": SHARES[place],
    }


def _in_turn(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows of both, one of each in turn; the second has as many or one less."""
    order = np.argsort(np.concatenate([np.arange(len(each["labels"])) for each in (first, second)]), kind="stable")
    return {name: np.concatenate([first[name], second[name]])[order] for name in first}


def _digits(part: Images, positions: np.ndarray) -> Digits:
    return Digits(part.images[positions, :, :, 0], part.labels[positions], positions)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over several threads are rounded differently than over one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


BLENDED_DIGITS = Source(fetch, read_mixed)
