"""cifar10h: about 51 people's votes on every CIFAR-10 test image (Peterson et al. 2019, ICCV); CC BY-NC-SA 4.0."""

from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Source
from softcifar.errors import UserError
from softcifar.files import reading

NAME = "cifar10h-counts.npy"
CLASSES = 10
CHECKSUM = "sha256:9b36b4550349af56c79083356312eb4af856cc5fd3caf1f669d40b9d0bbb69ff"
COUNTS = fetching.Published(
    path=f"cifar-10h/{NAME}",
    checksum=CHECKSUM,
    urls=(
        f"https://raw.githubusercontent.com/jcpeterson/cifar-10h/master/data/{NAME}",
        f"https://cdn.jsdelivr.net/gh/jcpeterson/cifar-10h@master/data/{NAME}",  # gives files of GitHub as they are
    ),
)


@fetching.known_by(CHECKSUM)
def fetch(folder: Path) -> None:
    """Put the published table of votes into folder."""
    fetching.fetch_file(COUNTS, folder / NAME)


def read_votes(folder: Path) -> dict[str, np.ndarray]:
    """{"test": votes int64 (10000, 10)} in the order of CIFAR-10's test batch; 47 to 63 votes a row."""
    path = folder / NAME
    with reading(path, "a readable .npy file", DOWNLOAD_AGAIN), open(path, "rb") as file:
        votes = np.lib.format.read_array(file, allow_pickle=False)
    if votes.dtype.kind not in "iu" or votes.ndim != 2 or votes.shape[1] != CLASSES or (votes < 0).any():
        raise UserError(f"{path}: found {votes.dtype} of shape {votes.shape}; the published file has counts (10000, {CLASSES})")
    return {"test": votes.astype(np.int64)}


CIFAR10H = Source(fetch, read_votes=read_votes)
