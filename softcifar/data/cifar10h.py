"""cifar10h: about 51 people's votes on every CIFAR-10 test image (Peterson et al. 2019, ICCV); CC BY-NC-SA 4.0."""

from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import Source
from softcifar.errors import UserError

NAME = "cifar10h-counts.npy"
CHECKSUM = "sha256:9b36b4550349af56c79083356312eb4af856cc5fd3caf1f669d40b9d0bbb69ff"
COUNTS = fetching.Published(
    path=f"cifar-10h/{NAME}",
    checksum=CHECKSUM,
    urls=(f"https://raw.githubusercontent.com/jcpeterson/cifar-10h/master/data/{NAME}",),
)


@fetching.known_by(CHECKSUM)
def fetch(folder: Path) -> None:
    """Put the published table of votes into folder."""
    fetching.fetch_file(COUNTS, folder / NAME)


def read_votes(folder: Path) -> dict[str, np.ndarray]:
    """{"test": votes int64 (10000, 10)} in the order of CIFAR-10's test batch; 47 to 63 votes a row."""
    path = folder / NAME
    try:
        votes = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the download stage (dvc repro)") from None
    except (ValueError, EOFError, OSError) as error:
        raise UserError(f"{path}: not a readable .npy file ({error}); run the download stage again") from None
    return {"test": votes.astype(np.int64)}


CIFAR10H = Source(fetch, read_votes=read_votes)
