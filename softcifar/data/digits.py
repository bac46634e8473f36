"""digits: scikit-learn's 1,797 handwritten digits (8x8 grey), enlarged to 32x32 and coloured like shapes; no download.

E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI repository; shipped with scikit-learn.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from PIL import Image

from softcifar.data.drawing import SIDE, paint
from softcifar.data.images import Images, Source
from softcifar.files import read_npz, write_npz
from softcifar.params.ranges import Fraction, NonNegativeInt


def fetch(
    folder: Path,
    *,
    seed: NonNegativeInt = 0,
    count: Annotated[int, Ge(1), Le(1797)] = 1797,
    contrast: Fraction = 0.25,
    texture: Fraction = 0.15,
    noise: Fraction = 0.06,
) -> None:
    """Write the first `count` digits to folder/images.npz, strokes as the mask of softcifar.data.drawing.paint .

    Colours, texture and noise are those of shapes, so that a detector has to look at the form.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    strokes = (digits.images[:count] / 16).astype(np.float32)  # 0..16 -> 0..1
    enlarged = [np.asarray(Image.fromarray(s).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for s in strokes]
    mask = np.stack(enlarged).astype(np.float64).clip(0, 1)
    generator = np.random.default_rng(seed)
    images = paint(mask, contrast=contrast, texture=texture, noise=noise, generator=generator)
    write_npz(folder / "images.npz", images=images, labels=digits.target[:count].astype(np.int64))


def read(folder: Path) -> dict[str, Images]:
    """{"train"}: images (count, 32, 32, 3) with labels 0..9."""
    arrays = read_npz(folder / "images.npz", "images", "labels")
    return {"train": Images(**arrays, classes=tuple("0123456789"))}


DIGITS = Source(fetch, read)
