"""textures: the Describable Textures Dataset (Cimpoi et al. 2014, CVPR), as novel images; for research."""

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from softcifar.data import fetching
from softcifar.data.images import Source, read_unlabelled
from softcifar.data.photographs import squares
from softcifar.errors import UserError
from softcifar.files import write_npz
from softcifar.params.ranges import PositiveInt

NAME = "dtd-r1.0.1.tar.gz"
CHECKSUM = "md5:fff73e5086ae6bdbea199a49dfb8a4c1"
ARCHIVE = fetching.Published(
    path=f"dtd/{NAME}",
    checksum=CHECKSUM,
    urls=(f"https://www.robots.ox.ac.uk/~vgg/data/dtd/download/{NAME}", f"https://thor.robots.ox.ac.uk/dtd/{NAME}"),
)
FOLDER, COUNT = "dtd/images/", 5640


@fetching.known_by(CHECKSUM)
def _archive() -> fetching.Published:
    return ARCHIVE


def fetch(folder: Path, *, side: PositiveInt = 32) -> None:
    """Download the archive (596 MiB), reduce the central squares of its 5,640 images to `side` pixels, keep those."""
    with fetching.obtained(_archive()) as archive:
        try:
            with tarfile.open(archive) as files:
                images = squares(_photographs(files), side, total=COUNT, what="read textures")
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise UserError(f"{archive}: not a whole archive ({error})") from None
    write_npz(folder / "images.npz", images=images)


def _photographs(files: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in files:  # in the archive's order: a .tar.gz is read once
        if member.isfile() and member.name.startswith(FOLDER) and member.name.endswith(".jpg"):
            yield member.name, files.extractfile(member).read()


TEXTURES = Source(fetch, read_unlabelled)
