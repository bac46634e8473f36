"""cifar10c: CIFAR-10's test images under published corruptions (Hendrycks & Dietterich 2019, ICLR); CC BY 4.0."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Source
from softcifar.errors import UserError
from softcifar.files import reading

NAME = "CIFAR-10-C.tar"
CHECKSUM = "md5:56bf5dcef84df0e2308c6dcbcbbd8499"
ARCHIVE = fetching.Published(
    path=NAME,
    checksum=CHECKSUM,
    urls=(f"https://zenodo.org/records/2535967/files/{NAME}",),
)
CORRUPTIONS = (
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow", "frost",
    "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression",
    "speckle_noise", "gaussian_blur", "spatter", "saturate",
)  # fmt: skip
SEVERITIES, IMAGES = 5, 10_000


@fetching.known_by(CHECKSUM, CORRUPTIONS)
def fetch(folder: Path) -> None:
    """Download the archive (2.7 GiB) and put its 19 arrays <corruption>.npy into folder."""
    with fetching.obtained(ARCHIVE) as archive:
        fetching.extract(archive, {f"CIFAR-10-C/{name}.npy": folder / f"{name}.npy" for name in CORRUPTIONS})


def read_corrupted(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(corruption, images uint8 (5, 10000, 32, 32, 3)), by severity and in the order of CIFAR-10's test images; from disk."""
    for name in CORRUPTIONS:
        path = folder / f"{name}.npy"
        with reading(path, "a whole array", DOWNLOAD_AGAIN):
            images = np.lib.format.open_memmap(path, mode="r")
        if images.dtype != np.uint8 or images.shape != (SEVERITIES * IMAGES, 32, 32, 3):
            raise UserError(
                f"{path}: found {images.dtype} of shape {images.shape}; the published file has 50,000 images of 32x32"
            )
        yield name, images.reshape(SEVERITIES, IMAGES, 32, 32, 3)


CIFAR10C = Source(fetch, read_corrupted=read_corrupted)
