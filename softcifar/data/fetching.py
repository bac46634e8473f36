"""Publishers' files: from the user's own folder where it has them, else downloaded; their checksums always verified.

The environment variable SOFTCIFAR_MIRROR may name a torchvision root (the `root` given to torchvision.datasets); it is
looked at first, file by file. It is only read. A damaged file there is an error: a silent download in its place would
hide that the user's copy is bad.
"""

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from softcifar.errors import UserError
from softcifar.files import atomic
from softcifar.progress import bar

T = TypeVar("T")
MIRROR = "SOFTCIFAR_MIRROR"
RETRIES = 2  # further attempts after a broken or damaged download


@dataclass(frozen=True)
class Published:
    """A file as its publisher offers it.

    path: where a torchvision root holds it; checksum: "md5:<hex>" or "sha256:<hex>"; urls: tried in this order.
    """

    path: str
    checksum: str
    urls: tuple[str, ...]


def known_by(*checksums: object) -> Callable[[T], T]:
    """A decorator that says of a function that fetches: these checksums are what it gives, however it gets it.

    They stand for the function in the fingerprints of stages (softcifar.pipeline.fingerprint), so that another address or
    another way to download makes nothing out of date. What a function makes of the files itself must not lie behind it.
    """
    return lambda fetch: fetch


def mirror() -> Path | None:
    """The folder that SOFTCIFAR_MIRROR names, None where it is unset; UserError where it is no folder."""
    value = os.environ.get(MIRROR)
    if not value:
        return None
    if not Path(value).is_dir():
        raise UserError(f"{MIRROR}: '{value}' is not a folder; name a torchvision root, or unset it to download")
    return Path(value)


def digest(path: Path, algorithm: str) -> str:
    """Hexadecimal checksum of a file; algorithm: "md5" or "sha256"."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def verify(path: Path, checksum: str) -> None:
    """Raise UserError unless the file has the checksum "<algorithm>:<hex>"."""
    algorithm, _, expected = checksum.partition(":")
    actual = digest(path, algorithm)
    if actual != expected:
        raise UserError(
            f"{path}: damaged or not the published file; its {algorithm} is {actual} where {expected} is expected; "
            "delete it or put the whole file in its place"
        )


def in_mirror(path: str, checksum: str | None) -> Path | None:
    """The verified file `path` of the mirror, None where there is no mirror or it lacks the file.

    checksum: None leaves the check to the caller. UserError where the file is damaged.
    """
    root = mirror()
    if root is None or not (root / path).is_file():
        return None
    if checksum is not None:
        verify(root / path, checksum)
    return root / path


def copy_from_mirror(path: str, checksum: str, target: Path) -> bool:
    """Copy the verified file `path` of the mirror to target; False where the mirror lacks it."""
    mirrored = in_mirror(path, checksum)
    if mirrored is None:
        return False
    shutil.copyfile(mirrored, target)
    return True


def _stream(url: str, target: str, _: object) -> None:
    """One attempt to download url to the path target, with a progress bar."""
    import requests

    plain = {"Accept-Encoding": "identity"}  # so that Content-Length counts the bytes that arrive
    with requests.get(url, stream=True, timeout=30, headers=plain) as response:
        response.raise_for_status()
        total = int(response.headers.get("Content-Length", 0)) or None
        with open(target, "wb") as file, bar(total=total, what=url.rpartition("/")[2], unit="B") as progress:
            progress.unit_scale = True  # 12.3M instead of 12345678
            for chunk in response.iter_content(1 << 16):
                file.write(chunk)
                progress.update(len(chunk))


def _download(url: str, checksum: str, folder: Path, name: str) -> Path:
    """folder/name, downloaded to a temporary file, verified, then moved there; RETRIES further attempts."""
    import pooch  # takes 0.3 s, and only downloads need it

    pooch.get_logger().setLevel("WARNING")
    keeper = pooch.create(path=folder, base_url="", registry={name: checksum}, urls={name: url}, retry_if_failed=RETRIES)
    return Path(keeper.fetch(name, downloader=_stream))


@contextmanager
def obtained(published: Published) -> Iterator[Path]:
    """Give the path of the verified file: the mirror's own, or a download that is removed when the block ends.

    UserError with the address where no download succeeds.
    """
    mirrored = in_mirror(published.path, published.checksum)
    if mirrored is not None:
        yield mirrored
        return
    with TemporaryDirectory(prefix="softcifar-") as folder:
        yield _first_download(published, Path(folder))


def _first_download(published: Published, folder: Path) -> Path:
    import requests

    failures = []
    for url in published.urls:
        try:
            return _download(url, published.checksum, folder, Path(published.path).name)
        except requests.RequestException as error:
            failures.append(f"{url}: download failed ({_reason(error)})")
        except ValueError as error:  # pooch's word for a checksum that does not match
            failures.append(f"{url}: the downloaded file is damaged or has changed ({str(error).split('. ')[0]})")
    raise UserError(
        f"{'; '.join(failures)}; check the network, or set {MIRROR} to a torchvision root that holds {published.path}"
    )


def _reason(error: Exception) -> str:
    """The innermost cause of a network error, in a few words on one line."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def fetch_file(published: Published, target: Path) -> None:
    """Put a verified copy of a published file at target."""
    with obtained(published) as file:
        shutil.copyfile(file, target)


def extract(archive: Path, members: dict[str, Path]) -> None:
    """Extract the named members of a .tar.gz to their target paths; nothing else of the archive is written."""
    try:
        with tarfile.open(archive) as tar:
            for name, target in members.items():
                source = tar.extractfile(name)  # of a link to a file outside: KeyError; of what is no file: None
                if source is None or not tar.getmember(name).isfile():
                    raise UserError(f"{archive}: '{name}' is no regular file there")
                with source, atomic(target) as part, open(part, "wb") as sink:
                    shutil.copyfileobj(source, sink)
    except KeyError as error:
        raise UserError(f"{archive}: the archive lacks a file ({error.args[0]})") from None
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise UserError(f"{archive}: not a whole archive ({error})") from None


def gunzip(packed: Path, target: Path) -> None:
    """Unpack a .gz file to target."""
    try:
        with gzip.open(packed) as source, open(target, "wb") as sink:
            shutil.copyfileobj(source, sink)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{packed}: not a whole .gz file ({error})") from None
