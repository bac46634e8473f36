"""noise: images without any content, every pixel and channel drawn on its own; made offline from a seed."""

from pathlib import Path
from typing import Literal

import numpy as np

from softcifar.data.images import Source, read_unlabelled
from softcifar.files import write_npz
from softcifar.params.ranges import NonNegativeInt, PositiveInt


def fetch(
    folder: Path,
    *,
    seed: NonNegativeInt = 0,
    count: PositiveInt = 1000,
    side: PositiveInt = 32,
    distribution: Literal["uniform", "gaussian"] = "uniform",
) -> None:
    """Write `count` RGB images of side x side to folder/images.npz.

    distribution: uniform over 0..255, or gaussian with mean 127.5 and standard deviation 64, cut to 0..255.
    """
    generator, shape = np.random.default_rng(seed), (count, side, side, 3)
    if distribution == "uniform":
        images = generator.integers(0, 256, shape, dtype=np.uint8)
    else:
        images = np.rint(generator.normal(127.5, 64, shape).clip(0, 255)).astype(np.uint8)
    write_npz(folder / "images.npz", images=images)


NOISE = Source(fetch, read_unlabelled)
