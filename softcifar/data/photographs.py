"""Photographs of any size as small squares, for sets of novel images."""

import io
from collections.abc import Iterable

import numpy as np

from softcifar.errors import UserError
from softcifar.progress import bar


def squares(files: Iterable[tuple[str, bytes]], side: int, *, total: int, what: str) -> np.ndarray:
    """uint8 (N, side, side, 3): each photograph's central square, reduced by area averages (no aliasing).

    files: (name, content) of image files that Pillow reads; total and what: for the progress bar. UserError, naming the file,
    for one that is no whole image.
    """
    from PIL import Image, UnidentifiedImageError

    resized = []
    with bar(total=total, what=what, unit="image") as shown:
        for name, content in files:
            try:
                with Image.open(io.BytesIO(content)) as photograph:
                    rgb = photograph.convert("RGB")
            except (UnidentifiedImageError, OSError) as error:
                raise UserError(f"{name}: not a whole image ({error})") from None
            short = min(rgb.size)
            left, top = (rgb.width - short) // 2, (rgb.height - short) // 2
            box = (left, top, left + short, top + short)
            resized.append(np.asarray(rgb.resize((side, side), Image.Resampling.BOX, box=box)))
            shown.update()
    return np.stack(resized)
