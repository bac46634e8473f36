"""shapes: drawn outlines whose exact label distribution is known, with simulated annotators; made offline from a seed.

Most images are clear: one outline, one possible class. A share `ambiguous` is a morph between the outlines of two
classes a and b that look alike (neighbours in the ring `softcifar.data.outlines.CLASSES`): r = (1-t) r_a + t r_b with
t uniform in (0, 1). Such an image is a b with probability g(t) (`second_class`) and an a otherwise. This is the exact
label distribution; the label is one draw from it, the votes are further draws, one per simulated annotator.
"""

from pathlib import Path

import numpy as np

from softcifar.data.drawing import coverage, paint
from softcifar.data.images import Images, Source
from softcifar.data.outlines import CLASSES, class_radii, unseen_radii
from softcifar.files import read_npz, write_npz
from softcifar.params.ranges import Fraction, NonNegativeInt, PositiveInt

BLOCK = 500  # images made from one random stream, so that asking for more images leaves the first ones as they are
STREAMS = {"train": 0, "test": 1, "unseen": 2}


def second_class(t: np.ndarray) -> np.ndarray:
    """g(t) = t^2 (3 - 2t), the probability of the second class of a morph t in [0, 1]: rises from 0 to 1, g(1/2) = 1/2.

    Flat at both ends: a barely changed outline is hardly ever taken for its neighbour.
    """
    return t**2 * (3 - 2 * t)


def _generator(seed: int, stream: str, block: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAMS[stream], block)))


def _block(
    generator: np.random.Generator, *, ambiguous: float, votes: int, contrast: float, texture: float, noise: float
) -> dict[str, np.ndarray]:
    """BLOCK images with their labels, votes and exact distributions."""
    table = class_radii()
    rows, k = np.arange(BLOCK), len(table)
    first = generator.permutation(BLOCK) % k
    second = (first + generator.choice([-1, 1], BLOCK)) % k
    morph = generator.uniform(0, 1, BLOCK)
    t = np.where(generator.uniform(0, 1, BLOCK) < ambiguous, morph, 0.0)
    exact = np.zeros((BLOCK, k))
    exact[rows, second] = second_class(t)
    exact[rows, first] = 1 - second_class(t)
    labels = np.where(generator.uniform(0, 1, BLOCK) < second_class(t), second, first)
    counts = generator.multinomial(votes, exact)
    mask = coverage(table[first] + t[:, None] * (table[second] - table[first]), generator)
    images = paint(mask, contrast=contrast, texture=texture, noise=noise, generator=generator)
    return {"images": images, "labels": labels, "votes": counts.astype(np.int64), "exact": exact}


def _part(stream: str, count: int, seed: int, **options) -> dict[str, np.ndarray]:
    blocks = [_block(_generator(seed, stream, number), **options) for number in range(-(-count // BLOCK))]
    return {name: np.concatenate([block[name] for block in blocks])[:count] for name in blocks[0]}


def fetch(
    folder: Path,
    *,
    seed: NonNegativeInt = 0,
    train: PositiveInt = 3000,
    test: PositiveInt = 1000,
    ambiguous: Fraction = 0.35,
    votes: PositiveInt = 51,
    contrast: Fraction = 0.25,
    texture: Fraction = 0.15,
    noise: Fraction = 0.06,
) -> None:
    """Draw the train and test images into folder/{train,test}.npz; the same options give the same bytes.

    train, test: number of images; each part has its own random streams, so that neither depends on the other's size.
    ambiguous: share of morphed images. votes: simulated annotators per image. contrast, texture, noise: see
    softcifar.data.drawing.paint.
    """
    for part, count in (("train", train), ("test", test)):
        arrays = _part(part, count, seed, ambiguous=ambiguous, votes=votes, contrast=contrast, texture=texture, noise=noise)
        write_npz(folder / f"{part}.npz", **arrays)


def read(folder: Path) -> dict[str, Images]:
    """{"train", "test"}: images (N, 32, 32, 3) with labels, votes and exact label distributions over ten classes."""
    parts = {}
    for part in ("train", "test"):
        arrays = read_npz(folder / f"{part}.npz", "images", "labels", "votes", "exact")
        parts[part] = Images(**arrays, classes=tuple(CLASSES))
    return parts


def fetch_unseen(
    folder: Path,
    *,
    seed: NonNegativeInt = 0,
    count: PositiveInt = 1000,
    contrast: Fraction = 0.25,
    texture: Fraction = 0.15,
    noise: Fraction = 0.06,
) -> None:
    """Draw outlines that are none of the ten classes, by the same machinery, into folder/images.npz."""
    table, blocks = unseen_radii(), []
    for number in range(-(-count // BLOCK)):
        generator = _generator(seed, "unseen", number)
        mask = coverage(table[generator.permutation(BLOCK) % len(table)], generator)
        blocks.append(paint(mask, contrast=contrast, texture=texture, noise=noise, generator=generator))
    write_npz(folder / "images.npz", images=np.concatenate(blocks)[:count])


def read_unseen(folder: Path) -> dict[str, Images]:
    """{"train"}: images (N, 32, 32, 3) without labels."""
    return {"train": Images(read_npz(folder / "images.npz", "images")["images"])}


SHAPES = Source(fetch, read)
UNSEEN = Source(fetch_unseen, read_unseen)
