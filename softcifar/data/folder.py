"""A folder of pictures as the npz file that the source `npz` reads: python -m softcifar.data.folder <folder>.

One subfolder per class, as torchvision's ImageFolder has it, pictures at any depth below; classes are numbered by name. A
folder without subfolders is a set of novel images, without labels.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from softcifar.data import fetching
from softcifar.errors import UserError, quote
from softcifar.files import reading, write_npz
from softcifar.params.ranges import named
from softcifar.pipeline.stage import run
from softcifar.progress import bar

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
DEEP = ("I", "F")  # how the modes of Pillow begin that have more than 8 bits
SIZES = range(8, 513)  # pixels a side
PART = 5  # of so many images, one is for validation and one for the test


def convert(folder: Path, size: int, grey: bool = False, test: Path | None = None) -> dict[str, np.ndarray]:
    """The arrays of the npz: images uint8 (N, size, size, 3), or (N, size, size) where grey.

    Beside them, unless `folder` has no subfolders: labels int64 (N,) in 0..K-1 and classes, their K names; of `test`, another
    such folder with the same classes, test_images and test_labels. UserError names what is wrong, with its file or folder.
    """
    classes = _subfolders(folder)
    if not classes:
        if test is not None:
            raise UserError(f"{folder}: has no subfolders, one per class; allowed with --test: at least two")
        return {"images": _read(_pictures(folder), size, grey)}
    if len(classes) == 1:
        raise UserError(f"{folder}: has the one class '{classes[0]}'; allowed: two or more subfolders, one per class")
    if loose := sum(path.suffix.lower() in ENDINGS for path in folder.iterdir() if path.is_file()):
        print(f"{folder}: not used: {loose} pictures that lie in no subfolder, so have no class", file=sys.stderr)
    arrays = _labelled(folder, classes, size, grey)
    if test is not None:
        if _subfolders(test) != classes:
            differing = sorted(set(_subfolders(test)) ^ set(classes))[0]
            raise UserError(
                f"{test}: must have the subfolders of {folder}, one per class; '{differing}' is in one of them only"
            )
        others = _labelled(test, classes, size, grey)
        arrays |= {f"test_{name}": values for name, values in others.items()}
    return arrays | {"classes": np.array(classes)}


def _labelled(folder: Path, classes: Sequence[str], size: int, grey: bool) -> dict[str, np.ndarray]:
    found = [_pictures(folder / name) for name in classes]
    images = _read([path for paths in found for path in paths], size, grey)
    return {"images": images, "labels": np.repeat(np.arange(len(classes)), [len(paths) for paths in found])}


def _subfolders(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise UserError(f"{folder}: is no folder; allowed: a folder with one subfolder of pictures per class")
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    pictures = [path for path in files if path.suffix.lower() in ENDINGS]
    if not pictures:
        raise UserError(f"{folder}: has no pictures; allowed: files that end in {', '.join(ENDINGS)}")
    if len(pictures) < len(files):
        ignored = next(path for path in files if path not in set(pictures))
        print(
            f"{folder}: not used: {len(files) - len(pictures)} files that are no pictures, as {ignored.name}", file=sys.stderr
        )
    return pictures


def _read(paths: Sequence[Path], size: int, grey: bool) -> np.ndarray:
    images = np.empty((len(paths), size, size) if grey else (len(paths), size, size, 3), np.uint8)
    for number, path in enumerate(bar(paths, what="pictures")):
        with reading(path, "a picture", "repair it, or take it out of the folder"):
            images[number] = _square(path, size, "L" if grey else "RGB")
    return images


def _square(path: Path, size: int, mode: str) -> np.ndarray:
    """A picture the right way up, its middle square, resized; what is transparent is white."""
    with Image.open(path) as opened:
        if opened.mode.split(";")[0] in DEEP:
            raise UserError(f"{path}: found a picture of mode {opened.mode}; allowed: 8 bits per channel")
        picture = ImageOps.exif_transpose(opened)
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        return np.asarray(ImageOps.fit(picture.convert(mode), (size, size), Image.Resampling.BICUBIC))


def lines(file: Path, arrays: dict[str, np.ndarray]) -> str:
    """What params.yaml says of the file."""
    name, total = file.stem, len(arrays["images"])
    path = json.dumps(str(file), ensure_ascii=False)
    known = f'  {name}: {{source: npz, path: {path}, sha256: "{fetching.digest(file, "sha256")}"}}'
    if "labels" not in arrays:
        return f"datasets:\n{known}   # and under data: ood: {{{name}: near}} or {{{name}: far}}"
    each = max(total // PART, len(arrays["classes"]))
    test = "null" if "test_labels" in arrays else each
    sizes = f"{{train: null, validation: {each}, test: {test}}}"
    return f"datasets:\n{known}\ndata: {{protocol: standard, images: {name}, sizes: {sizes}, split_seed: 0}}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m softcifar.data.folder", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("folder", type=Path, help="a subfolder of pictures per class; without subfolders: novel images")
    parser.add_argument("--test", type=Path, metavar="FOLDER", help="the same with an official test part")
    parser.add_argument(
        "--size", type=int, default=32, help="pixels a side, 32 unless said; training takes (size / 32)² as long"
    )
    parser.add_argument("--grey", action="store_true", help="one channel instead of three")
    parser.add_argument("--out", type=Path, default=Path("my/images.npz"), help="the file, my/images.npz unless said")
    given = parser.parse_args()
    if given.size not in SIZES:
        raise UserError(f"--size: found {given.size}; allowed: {SIZES.start} to {SIZES.stop - 1} pixels")
    if given.out.suffix != ".npz":
        raise UserError(f"--out: found {quote(str(given.out))}; allowed: a file that ends in .npz")
    try:
        named(given.out.stem)  # the data set gets this name in params.yaml
    except ValueError as error:
        raise UserError(f"--out: {error}, then .npz") from None
    arrays = convert(given.folder, given.size, given.grey, given.test)
    write_npz(given.out, **arrays)
    print(f"{given.out}: {len(arrays['images'])} pictures of {given.size} x {given.size} pixels")
    if "labels" in arrays:
        counts = Counter(arrays["labels"].tolist())
        print(", ".join(f"{name} {counts[number]}" for number, name in enumerate(arrays["classes"])))
    print(f"\nFor params.yaml, in the place of its own lines of these names:\n\n{lines(given.out, arrays)}")


if __name__ == "__main__":
    run(main)
