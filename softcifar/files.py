"""Reading and writing arrays, tables and folders: whole or not at all, the same bytes for the same content."""

import csv
import errno
import glob
import hashlib
import io
import json
import math
import os
import platform
import shutil
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from softcifar.errors import UserError

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there when the block ends well, remove it when it does not."""
    part = _part(Path(path))
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """A temporary name beside `path`, of this process alone; what killed processes of this machine left there is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    start = f".{path.name}.{platform.node()}-"
    for left in path.parent.glob(f"{glob.escape(start)}*.part"):
        process = left.name.removeprefix(start).removesuffix(".part")
        if process == str(os.getpid()) or not _runs(process):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f"{start}{os.getpid()}.part")


def _runs(process: str) -> bool:
    """Whether this machine has a process of that number, our own or somebody else's."""
    return process.isdigit() and psutil.pid_exists(int(process))


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Give an empty temporary folder beside `path`; it takes the place of `path` when the block ends well."""
    path = Path(path)
    part = _part(path)
    part.mkdir()
    try:
        yield part
        if path.exists():
            shutil.rmtree(path)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_text(path: Path | str, text: str) -> None:
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: object) -> None:
    """Write JSON with sorted keys, indented, ending in a newline."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path | str) -> object:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the stage that writes it (dvc repro)") from None
    except ValueError as error:
        raise UserError(f"{path}: not a JSON file ({error})") from None


def md5(content: bytes) -> str:
    """As DVC writes it of a file with this content."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def write_csv(path: Path | str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows with the same keys, at least one; floats with as many digits as they need. (No pandas: it loads slowly.)"""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_npz(path: Path | str, **arrays: np.ndarray) -> None:
    """Write an uncompressed .npz; entries carry no time stamp, so equal arrays give equal bytes."""
    with atomic(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays)


@contextmanager
def reading(path: Path | str, what: str, advice: str) -> Iterator[None]:
    """Read a file that somebody may have damaged; `what` it should be and `advice` complete the UserError where it is not.

    Every exception is taken for damage: parsers of other libraries raise almost any of them at bytes that they do not expect.
    What the system says of the disk or of access (an OSError with a number of its own) stays what it is.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: not found; {advice}") from None
    except MemoryError as error:
        raise UserError(f"{path}: its content does not fit into memory{_in_brackets(error)}; {advice}") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # EINVAL: damaged offsets were sought
            raise
        raise UserError(f"{path}: not {what}{_in_brackets(error)}; {advice}") from None


def _in_brackets(error: BaseException) -> str:
    """The first line of what an error says, at most 200 characters of it; a KeyError says no more than the key."""
    text = str(error).strip().split("\n")[0][:200]
    named = f"it has no {text}" if isinstance(error, KeyError) else text or type(error).__name__
    return f" ({named})"


def read_npz(path: Path | str, *required: str, unread: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Read every array of an .npz; UserError where it is missing, damaged, holds pickles or lacks a `required` name.

    unread: in the place of these, which may be large, zeros of the shape and type that their headers name, without memory.
    """
    with reading(path, "a readable .npz file", "correct the path, or run the stage that writes it (dvc repro)"):
        try:
            with np.load(path, allow_pickle=False) as file:
                large = {name for name in unread if f"{name}.npy" in file.zip.namelist()}
                arrays = {name: _by_header(file.zip, name) if name in large else file[name] for name in file.files}
        except ValueError as error:
            if "pickle" in str(error).lower() or "Object arrays" in str(error):
                raise UserError(
                    f"{path}: holds pickled Python objects or is no .npz file; plain arrays in an .npz are allowed"
                ) from None
            raise
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # a member that is no .npy file
            raise UserError(f"{path}: '{name}' is no array; plain arrays in an .npz are allowed")
    missing = [name for name in required if name not in arrays]
    if missing:
        raise UserError(f"{path}: has no array '{missing[0]}'; found: {', '.join(sorted(arrays)) or '(nothing)'}")
    return arrays


def _by_header(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Zeros of an array's shape and type; ValueError where as many bytes are not there."""
    with archive.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        if version not in HEADERS:
            raise ValueError(f"'{name}' has a header of version {'.'.join(map(str, version))}")
        shape, _, kind = HEADERS[version](member)
        claimed, held = math.prod(shape) * kind.itemsize, archive.getinfo(member.name).file_size - member.tell()
    if kind.hasobject:
        raise ValueError("Object arrays cannot be loaded")
    if claimed != held:
        raise ValueError(f"the header of '{name}' names {claimed:,} bytes, {shape} of {kind}, and {held:,} are there")
    return np.broadcast_to(np.zeros((), kind), shape)
