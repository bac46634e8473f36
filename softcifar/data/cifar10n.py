"""cifar10n: three people's labels of every CIFAR-10 training image (Wei et al. 2022, ICLR); CC BY-NC 4.0."""

from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Source
from softcifar.errors import UserError
from softcifar.files import reading

NAME = "CIFAR-10_human.pt"
CHECKSUM = "sha256:873e69c39cb9b5e97fb6bae2d60bb59b38a5cbc31d2b868f7903dcb2b9dd2310"
LABELS = fetching.Published(
    path=f"cifar-10n/{NAME}",
    checksum=CHECKSUM,
    urls=(
        f"https://raw.githubusercontent.com/UCSC-REAL/cifar-10-100n/main/data/{NAME}",
        f"https://cdn.jsdelivr.net/gh/UCSC-REAL/cifar-10-100n@main/data/{NAME}",  # gives files of GitHub as they are
    ),
)
PEOPLE = ("random_label1", "random_label2", "random_label3")
CLASSES = 10


@fetching.known_by(CHECKSUM)
def fetch(folder: Path) -> None:
    """Put the published file into folder."""
    fetching.fetch_file(LABELS, folder / NAME)


def read_votes(folder: Path) -> dict[str, np.ndarray]:
    """{"train": votes int64 (50000, 10)}, three a row, in CIFAR-10's official training order."""
    import torch  # the file is a torch archive
    from numpy._core.multiarray import _reconstruct

    path = folder / NAME
    # All that NumPy arrays in a torch file need; anything else in the file is refused.
    arrays_only = [
        (_reconstruct, "numpy.core.multiarray._reconstruct"),
        np.ndarray,
        np.dtype,
        type(np.dtype(np.int64)),
    ]
    with reading(path, "the published file", DOWNLOAD_AGAIN):
        with torch.serialization.safe_globals(arrays_only):
            table = torch.load(path, weights_only=True)
        people = np.stack([np.asarray(table[name]) for name in PEOPLE], axis=1)
    if people.dtype.kind not in "iu" or people.ndim != 2 or not ((people >= 0) & (people < CLASSES)).all():
        raise UserError(f"{path}: found labels that are not whole numbers in 0..{CLASSES - 1}, one per image; {DOWNLOAD_AGAIN}")
    return {"train": (people[:, :, None] == np.arange(CLASSES)).sum(axis=1)}


CIFAR10N = Source(fetch, read_votes=read_votes)
