"""Publishers' files: from the user's own folder where it has them, else downloaded; their checksums always verified.

The environment variable SOFTCIFAR_MIRROR may name a torchvision root (the `root` given to torchvision.datasets); it is
looked at first, file by file. It is only read. A damaged file there is an error: a silent download in its place would
hide that the user's copy is bad.
"""

import fcntl
import gzip
import hashlib
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from softcifar.errors import UserError
from softcifar.files import atomic, reading
from softcifar.progress import bar

T = TypeVar("T")
MIRROR = "SOFTCIFAR_MIRROR"
RETRIES = 2  # further attempts after a broken or damaged download
PARTS = Path(".state/downloads")  # what has arrived of a file, under its checksum, until all of it has
PROGRESS = 1 << 20  # bytes: an attempt that brings so many before it breaks is not counted
KEEP_DAYS = 30  # what was not gone on with for so long is removed
PUT_WHOLE = "delete it or put the whole file in its place"


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
            f"{path}: damaged or not the published file; its {algorithm} is {actual} where {expected} is expected; {PUT_WHOLE}"
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


@contextmanager
def obtained(published: Published) -> Iterator[Path]:
    """Give the path of the verified file: the mirror's own, or a download that is removed when the block ends.

    UserError with the addresses where no download succeeds, and where the block finds that the file is no whole archive.
    """
    mirrored = in_mirror(published.path, published.checksum)
    found = _downloaded(published) if mirrored is None else nullcontext(mirrored)
    with found as file, reading(file, "a whole archive", PUT_WHOLE):
        yield file


@contextmanager
def _downloaded(published: Published) -> Iterator[Path]:
    """The verified file, from the first address that gives it. What arrived in vain stays, for the next call to go on with."""
    PARTS.mkdir(parents=True, exist_ok=True)
    for left in PARTS.iterdir():
        with suppress(FileNotFoundError):  # of another stage that has finished meanwhile
            if time.time() - left.stat().st_mtime > KEEP_DAYS * 86400:
                left.unlink()
    file = PARTS / f"{published.checksum.partition(':')[2]}-{Path(published.path).name}"
    with open(f"{file}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another stage that wants the same file waits
        if not _whole(file, published.checksum):
            _download(published, file)
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)


def _download(published: Published, file: Path) -> None:
    failures = []
    for url in published.urls:
        failed = 0
        while failed <= RETRIES:
            before = _size(file)
            time.sleep(failed)
            reason = _attempt(url, published.checksum, file)
            if not reason:
                return
            failed += _size(file) - before < PROGRESS
        failures.append(f"{url}: {reason}")
    raise UserError(
        f"{'; '.join(failures)}; check the network and run again, which goes on with what has arrived, or get the file "
        f"({published.checksum}) elsewhere and {_place(published.path)}"
    )


def _place(path: str) -> str:
    """Where a file that somebody gets by hand belongs."""
    root = mirror()
    return f"put it at {root / path}" if root else f"set {MIRROR} to a torchvision root that holds {path}"


def _attempt(url: str, checksum: str, file: Path) -> str:
    """Download once, behind what is there already where the server allows it; why it failed, '' where it did not."""
    import requests

    try:
        _stream(url, file)
    except (requests.RequestException, ValueError) as error:
        return f"download failed ({_reason(error)})"
    except OSError:  # a full disk: it may be this file that fills it
        file.unlink(missing_ok=True)
        raise
    if _whole(file, checksum):
        return ""
    algorithm, _, expected = checksum.partition(":")
    found = digest(file, algorithm)
    file.unlink()
    return f"the downloaded file is damaged or has changed (its {algorithm} is {found} where {expected} is expected)"


def _stream(url: str, file: Path) -> None:
    """Download url to file, with a progress bar; a file that is there is the beginning of it."""
    import requests

    size = _size(file)
    headers = {"Accept-Encoding": "identity"}  # so that Content-Length counts the bytes that arrive
    headers |= {"Range": f"bytes={size}-"} if size else {}
    with requests.get(url, stream=True, timeout=30, headers=headers) as response:
        if response.status_code == 416:  # there are no such bytes: what is there is no beginning of it
            file.unlink()
        response.raise_for_status()
        if response.status_code != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {size}-"):
            size = 0
        total = size + int(response.headers.get("Content-Length", 0)) or None
        with open(file, "ab" if size else "wb") as sink, bar(total=total, what=url.rpartition("/")[2], unit="B") as progress:
            progress.unit_scale = True  # 12.3M instead of 12345678
            progress.n = progress.initial = size
            for chunk in response.iter_content(1 << 16):
                sink.write(chunk)
                progress.update(len(chunk))


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _whole(file: Path, checksum: str) -> bool:
    algorithm, _, expected = checksum.partition(":")
    return file.exists() and digest(file, algorithm) == expected


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
    with reading(archive, "a whole archive", PUT_WHOLE), tarfile.open(archive) as tar:
        for name, target in members.items():
            try:
                member = tar.getmember(name)
            except KeyError:
                raise UserError(f"{archive}: the archive lacks a file ({name})") from None
            if not member.isfile():  # a link may point outside, or to itself
                raise UserError(f"{archive}: '{name}' is no regular file there")
            with tar.extractfile(member) as source, atomic(target) as part, open(part, "wb") as sink:
                shutil.copyfileobj(source, sink)


def gunzip(packed: Path, target: Path) -> None:
    """Unpack a .gz file to target."""
    with open(target, "wb") as sink, reading(packed, "a whole .gz file", PUT_WHOLE), gzip.open(packed) as source:
        shutil.copyfileobj(source, sink)
