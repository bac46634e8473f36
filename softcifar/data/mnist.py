"""mnist (LeCun et al. 1998) and fashion_mnist (Xiao et al. 2017): 70,000 grey images of 28x28 in ten classes."""

from functools import partial
from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Images, Source, labelled
from softcifar.files import reading

# MD5 of the uncompressed files; torchvision lists those of the .gz files only.
MNIST_FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
FASHION_FILES = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt or top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


# Besides those that torchvision lists: the authors' repository has the same files.
MORE_ADDRESSES = {"MNIST": (), "FashionMNIST": ("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",)}


def _fetch(table_name: str, files: dict[str, str], folder: Path) -> None:
    from torchvision import datasets  # for its table of addresses and checksums

    table = getattr(datasets, table_name)
    packed_md5 = dict(table.resources)
    for name, md5 in files.items():
        inside = f"{table_name}/raw/{name}"
        if fetching.copy_from_mirror(inside, f"md5:{md5}", folder / name):
            continue
        urls = tuple(f"{address.rstrip('/')}/{name}.gz" for address in (*table.mirrors, *MORE_ADDRESSES[table_name]))
        with fetching.obtained(fetching.Published(f"{inside}.gz", f"md5:{packed_md5[name + '.gz']}", urls)) as packed:
            fetching.gunzip(packed, folder / name)
        fetching.verify(folder / name, f"md5:{md5}")


@fetching.known_by(MNIST_FILES)
def fetch_mnist(folder: Path) -> None:
    """Put the four official IDX files, uncompressed, into folder."""
    _fetch("MNIST", MNIST_FILES, folder)


@fetching.known_by(FASHION_FILES)
def fetch_fashion_mnist(folder: Path) -> None:
    """Put the four official IDX files, uncompressed, into folder."""
    _fetch("FashionMNIST", FASHION_FILES, folder)


def _read_idx(path: Path) -> np.ndarray:
    """An IDX file: bytes 0, 0, the type 8 (unsigned byte), the number of axes; big-endian uint32 lengths; the data."""
    with reading(path, "a whole IDX file of unsigned bytes", DOWNLOAD_AGAIN):
        raw = path.read_bytes()
        if raw[:3] != b"\0\0\x08":
            raise ValueError("another kind of file")
        start = 4 + 4 * raw[3]
        shape = [int.from_bytes(raw[place : place + 4], "big") for place in range(4, start, 4)]
        return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _read(classes: tuple[str, ...], folder: Path) -> dict[str, Images]:
    """{"train": 60,000, "test": 10,000 images (N, 28, 28, 1)} in official order, with labels."""
    parts = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        images = _read_idx(folder / f"{prefix}-images-idx3-ubyte")[..., None]
        path = folder / f"{prefix}-labels-idx1-ubyte"
        parts[part] = labelled(images, _read_idx(path), classes, path)
    return parts


MNIST = Source(fetch_mnist, partial(_read, DIGITS))
FASHION_MNIST = Source(fetch_fashion_mnist, partial(_read, CLOTHES))
