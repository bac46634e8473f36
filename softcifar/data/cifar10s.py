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
    labels = np.zeros((IMAGES, CLASSES))
    for image, people in _read(folder).items():
        labels[image] = people.mean(axis=0)
    return labels


def read_asked(folder: Path) -> np.ndarray:
    """How many people gave a soft label to each image, int64 (10000,), as `read_soft_labels` has them."""
    asked = np.zeros(IMAGES, dtype=np.int64)
    for image, people in _read(folder).items():
        asked[image] = len(people)
    return asked


def _read(folder: Path) -> dict[int, np.ndarray]:
    """{image: the distributions of the people who judged it, float64 (people, 10)}."""
    path = folder / NAME
    with reading(path, "the published file", DOWNLOAD_AGAIN):
        found = {int(image): np.asarray(each, dtype=np.float64) for image, each in json.loads(path.read_text("utf-8")).items()}
        if unknown := [image for image in found if image not in range(IMAGES)]:
            raise ValueError(f"image {unknown[0]}")
        found = {image: each.reshape(-1, CLASSES) for image, each in found.items()}
    means = np.array([each.mean(axis=0) for each in found.values() if len(each)])
    if len(means) < max(len(found), 1) or not ((means >= 0).all() and np.isclose(means.sum(axis=1), 1, atol=1e-6).all()):
        raise UserError(f"{path}: found labels that are no distributions over {CLASSES} classes; {DOWNLOAD_AGAIN}")
    return found


CIFAR10S = Source(fetch)  # neither images nor votes: read where params name it as report.people, or as a label source's people
