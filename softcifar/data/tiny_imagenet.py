"""tiny_imagenet: the 10,000 validation images of Tiny ImageNet (Le & Yang 2015), as novel images; ImageNet's terms of use."""

import zipfile
from pathlib import Path

from softcifar.data import fetching
from softcifar.data.images import Source, read_unlabelled
from softcifar.data.photographs import squares
from softcifar.errors import UserError
from softcifar.files import write_npz
from softcifar.params.ranges import PositiveInt

CHECKSUM = "md5:90528d7ca1a48142e341f4ef8d21d0de"
ARCHIVE = fetching.Published(
    path="tiny-imagenet-200.zip",
    checksum=CHECKSUM,
    urls=(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "https://zenodo.org/records/10720917/files/tiny-imagenet-200.zip",
    ),
)
FOLDER = "tiny-imagenet-200/val/images/"


@fetching.known_by(CHECKSUM)
def _archive() -> fetching.Published:
    return ARCHIVE


def fetch(folder: Path, *, side: PositiveInt = 32) -> None:
    """Download the archive (237 MiB), reduce its validation images from 64 to `side` pixels, keep those as images.npz."""
    with fetching.obtained(_archive()) as archive:
        try:
            with zipfile.ZipFile(archive) as files:
                names = sorted(name for name in files.namelist() if name.startswith(FOLDER) and not name.endswith("/"))
                if not names:
                    raise UserError(f"{archive}: the archive has no {FOLDER}")
                content = ((name, files.read(name)) for name in names)
                images = squares(content, side, total=len(names), what="read tiny_imagenet")
        except zipfile.BadZipFile as error:
            raise UserError(f"{archive}: not a whole archive ({error})") from None
    write_npz(folder / "images.npz", images=images)


TINY_IMAGENET = Source(fetch, read_unlabelled)
