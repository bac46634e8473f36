"""svhn: street view house numbers, cropped digits of 32x32 (Netzer et al. 2011, NIPS workshop); non-commercial use."""

from pathlib import Path

import numpy as np

from softcifar.data import fetching
from softcifar.data.images import DOWNLOAD_AGAIN, Images, Source, labelled
from softcifar.files import reading


@fetching.known_by("md5:e26dedcc434d2e4c54c9b2d4a06d8373", "md5:eb5a983be6a315427106f1b164d9cef3")  # train, test
def fetch(folder: Path, *, only_test: bool = False) -> None:
    """Put train_32x32.mat (174 MiB) and test_32x32.mat (61 MiB) into folder.

    only_test: leave the train part out; enough for a set of novel images.
    """
    from torchvision.datasets import SVHN  # for its table of addresses and checksums

    for part in ("test",) if only_test else ("test", "train"):
        url, name, md5 = SVHN.split_list[part]
        fetching.fetch_file(fetching.Published(name, f"md5:{md5}", (url,)), folder / name)


def read(folder: Path) -> dict[str, Images]:
    """{"train": 73,257 unless left out, "test": 26,032 images (N, 32, 32, 3)}; the label of a digit is the digit."""
    from scipy.io import loadmat

    parts = {}
    for part in ("train", "test"):
        path = folder / f"{part}_32x32.mat"
        if part == "train" and not path.exists():
            continue
        with reading(path, "a readable .mat file", DOWNLOAD_AGAIN):
            arrays = loadmat(path, variable_names=["X", "y"])
            images = np.ascontiguousarray(arrays["X"].transpose(3, 0, 1, 2))
            labels = np.where(arrays["y"] == 10, 0, arrays["y"]).ravel()  # the file writes the digit 0 as 10
        parts[part] = labelled(images, labels, tuple("0123456789"), path)
    return parts


SVHN = Source(fetch, read)
