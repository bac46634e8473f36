"""cifar10s: soft labels that single people gave for 1,000 CIFAR-10 test images (Collins, Bhatt & Weller 2022, HCOMP)."""

import json
from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Source
from softcifar.errors import UserError
from softcifar.files import reading

NAME = "cifar10s_t2clamp_redist10.json"  # "top 2, clamp", 10 % redistributed: the form that its authors recommend
CLASSES, IMAGES = 10, 10_000
CHECKSUM = "sha256:ec27ee6f4cce01fcfdb511095821d0f00e2238b1f5b7074aa054c89b83b5cfb7"
LABELS = fetching.Published(
    path=f"cifar-10s/{NAME}",
    checksum=CHECKSUM,
    urls=(
        f"https://raw.githubusercontent.com/cambridge-mlg/cifar-10s/main/cifar10s_data/{NAME}",
        f"https://cdn.jsdelivr.net/gh/cambridge-mlg/cifar-10s@main/cifar10s_data/{NAME}",  # gives files of GitHub as they are
    ),
)


@fetching.known_by(CHECKSUM)
def fetch(folder: Path) -> None:
    """Put the published file into folder."""
    fetching.fetch_file(LABELS, folder / NAME)


def read_soft_labels(folder: Path) -> np.ndarray:
    """The mean of single people's distributions per image, float64 (10000, 10) in the order of CIFAR-10's test batch.

    Each person named the likeliest class with a probability, maybe a second one, and the classes that are impossible; 6 to 11
    people judged each of 1,000 images. The other rows are 0. UserError where the file is not the published one.
    """
    path, labels = folder / NAME, np.zeros((IMAGES, CLASSES))
    with reading(path, "the published file", DOWNLOAD_AGAIN):
        for image, people in json.loads(path.read_text(encoding="utf-8")).items():
            if int(image) not in range(IMAGES):
                raise ValueError(f"image {image}")
            labels[int(image)] = np.asarray(people, dtype=np.float64).reshape(-1, CLASSES).mean(axis=0)
    sums = labels.sum(axis=1)
    if not ((labels >= 0).all() and (np.isclose(sums, 1, atol=1e-6) | (sums == 0)).all() and sums.any()):  # also NaN
        raise UserError(f"{path}: found labels that are no distributions over {CLASSES} classes; {DOWNLOAD_AGAIN}")
    return labels


CIFAR10S = Source(fetch)  # neither images nor votes: the report reads it, where params name it as report.people
