"""Data files damaged at random: a reader gives what it gave before, or one sentence that names the file, and runs nothing."""

import gzip
import io
import pickle
import random
import signal
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from softcifar.data import DATA_SOURCES, cifar10c, fetching
from softcifar.data.npz import checked
from softcifar.errors import UserError
from softcifar.files import read_json, read_npz, write_json
from softcifar.training.state import State, load_state, save_state
from softcifar.training.trained import read_weights, write_tensors

pytestmark = pytest.mark.slow
FILES = 100  # damaged ones of every kind
SECONDS = 30  # of this process's own time, for one file
IMAGES, LABELS = np.arange(20 * 28 * 28, dtype=np.uint64).reshape(20, 28, 28).astype(np.uint8), np.arange(20) % 10


def npz(folder: Path) -> Path:
    np.savez_compressed(folder / "data.npz", images=IMAGES, labels=LABELS, votes=np.eye(10, dtype=np.int64)[LABELS] * 3)
    return folder / "data.npz"


def plain_npz(folder: Path) -> Path:
    np.savez(folder / "data.npz", images=IMAGES, labels=LABELS, classes=np.array([f"class {n}" for n in range(10)]))
    return folder / "data.npz"


def batches(folder: Path) -> Path:
    batch = {"data": np.zeros((4, 3072), np.uint8), "labels": [0, 1, 2, 9]}
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"):
        (folder / name).write_bytes(pickle.dumps(batch, protocol=3).replace(b"numpy._core", b"numpy.core"))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"class {n}" for n in range(10)]}, protocol=3))
    return folder / "test_batch"


def mat(folder: Path) -> Path:
    savemat(folder / "test_32x32.mat", {"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.array([[1], [10], [9], [2]])})
    return folder / "test_32x32.mat"


def packed_mat(folder: Path) -> Path:
    arrays = {"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.array([[1], [10], [9], [2]])}
    savemat(folder / "test_32x32.mat", arrays, do_compression=True)
    return folder / "test_32x32.mat"


def idx(folder: Path) -> Path:
    for prefix in ("train", "t10k"):
        for name, values in (("images-idx3", IMAGES), ("labels-idx1", LABELS.astype(np.uint8))):
            head = b"\0\0\x08" + bytes([values.ndim]) + np.array(values.shape, ">u4").tobytes()
            (folder / f"{prefix}-{name}-ubyte").write_bytes(head + values.tobytes())
    return folder / "t10k-labels-idx1-ubyte"


def counts(folder: Path) -> Path:
    np.save(folder / "cifar10h-counts.npy", np.full((20, 10), 5))
    return folder / "cifar10h-counts.npy"


def people(folder: Path) -> Path:
    torch.save({f"random_label{n}": torch.tensor(LABELS) for n in (1, 2, 3)}, folder / "CIFAR-10_human.pt")
    return folder / "CIFAR-10_human.pt"


def corrupted(folder: Path) -> Path:
    np.save(folder / f"{cifar10c.CORRUPTIONS[0]}.npy", np.zeros((5, 32, 32, 3), np.uint8))
    return folder / f"{cifar10c.CORRUPTIONS[0]}.npy"


def tar(folder: Path) -> Path:
    with tarfile.open(folder / "a.tar.gz", "w:gz") as file:
        for name in ("a", "b"):
            entry = tarfile.TarInfo(name)
            entry.size = 3000
            file.addfile(entry, io.BytesIO(bytes(range(250)) * 12))
    return folder / "a.tar.gz"


def untar(path: Path) -> bytes:
    out = path.parent / "out"
    fetching.extract(path, {"a": out})
    return out.read_bytes()


def gz(folder: Path) -> Path:
    (folder / "a.gz").write_bytes(gzip.compress(IMAGES.tobytes()))
    return folder / "a.gz"


def ungz(path: Path) -> bytes:
    fetching.gunzip(path, path.parent / "out")
    return (path.parent / "out").read_bytes()


def pictures(folder: Path) -> Path:
    from PIL import Image

    from softcifar.data import tiny_imagenet

    with zipfile.ZipFile(folder / "tiny-imagenet-200.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(3):
            stream = io.BytesIO()
            Image.fromarray(IMAGES[number]).save(stream, "JPEG")
            file.writestr(f"{tiny_imagenet.FOLDER}val_{number}.JPEG", stream.getvalue())
    return folder / "tiny-imagenet-200.zip"


def unpacked(path: Path) -> bytes:
    DATA_SOURCES["tiny_imagenet"].fetch(path.parent)
    return (path.parent / "images.npz").read_bytes()


def state(folder: Path) -> Path:
    weights = {"w": torch.arange(300.0), "seen": torch.tensor(7)}
    save_state(folder / "x.safetensors", State(1, weights, {"m": torch.ones(3)}, weights, 1, [{"epoch": 1}]))
    return folder / "x.safetensors"


def weights(folder: Path) -> Path:
    write_tensors(folder / "run_0.safetensors", {"w": torch.arange(300.0)})
    return folder / "run_0.safetensors"


def entry(folder: Path) -> Path:
    write_json(folder / "hard.json", {"params": {"lr": 0.1, "name": "é"}, "code": "abc"})
    return folder / "hard.json"


def source(name: str) -> Callable[[Path], object]:
    found = DATA_SOURCES[name]
    read = found.read or found.read_votes or (lambda folder: list(found.read_corrupted(folder)))
    return lambda path: read(path.parent)


def unread(path: Path) -> object:
    """As the check of params reads a user's file."""
    return checked(path, unread=("images", "test_images"))


# How a whole file is made, and how it is read.
KINDS = {
    "npz": (npz, source("npz")),
    "plain npz": (plain_npz, source("npz")),
    "npz, before anything runs": (npz, unread),
    "plain npz, before anything runs": (plain_npz, unread),
    "any npz": (npz, read_npz),
    "CIFAR batch": (batches, source("cifar10")),
    "mat": (mat, source("svhn")),
    "compressed mat": (packed_mat, source("svhn")),
    "IDX": (idx, source("mnist")),
    "CIFAR-10H": (counts, source("cifar10h")),
    "CIFAR-10N": (people, source("cifar10n")),
    "CIFAR-10-C": (corrupted, source("cifar10c")),
    "tar": (tar, untar),
    "gz": (gz, ungz),
    "zip of pictures": (pictures, unpacked),
    "state": (state, load_state),
    "weights": (weights, read_weights),
    "JSON": (entry, read_json),
}


def damaged(draw: random.Random, whole: bytes) -> tuple[str, bytes]:
    """What was done to a file, and its bytes then."""
    content, start = bytearray(whole), draw.randrange(len(whole))
    way = draw.choice(["bit", "bit", "byte", "end", "zeros", "noise", "head", "insert", "drop", "twice", "text", "empty"])
    if way == "bit":
        content[start] ^= 1 << draw.randrange(8)
    elif way == "byte":
        content[start] = draw.randrange(256)
    elif way == "end":
        del content[start:]
    elif way == "head":
        start = draw.randrange(min(200, len(content)))
        content[start : start + 8] = draw.randbytes(8)
    elif way in ("zeros", "noise"):
        length = min(draw.choice([4, 64, 1024]), len(content) - start)
        content[start : start + length] = bytes(length) if way == "zeros" else draw.randbytes(length)
    elif way == "insert":
        content[start:start] = draw.randbytes(draw.choice([1, 8, 100]))
    elif way == "drop":
        del content[start : start + draw.choice([1, 8, 100])]
    elif way == "twice":
        content += whole
    else:
        content = bytearray(b"<html>503 Service Unavailable</html>" if way == "text" else b"")
    return f"{way} at {start}", bytes(content)


class Hang(BaseException):
    """A file takes too long."""


def stop(*_: object) -> None:
    raise Hang


def said(read: Callable[[Path], object], path: Path) -> str:
    """'' where a file is read, else the UserError."""
    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        read(path)
    except UserError as error:
        return str(error)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind, tmp_path, monkeypatch, seed, share, counted, capfd):
    make, read = KINDS[kind]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path))
    monkeypatch.setattr(fetching, "verify", lambda *_: None)  # as if the file had been changed afterwards
    path, draw, outcomes = make(tmp_path), random.Random(f"{seed}:{kind}"), Counter()
    whole = path.read_bytes()
    for number in range(share(FILES)):
        done, content = damaged(draw, whole)
        path.write_bytes(content)
        try:
            sentence = said(read, path)
            fresh = kind == "state" and load_state(path) == State()
        except BaseException as error:
            raise AssertionError(f"{kind}, seed {seed}, file {number}: {done}") from error
        assert "\n" not in sentence, done
        assert not sentence or path.name in sentence, (done, sentence)
        if kind == "state":  # the only kind that carries a checksum of its own
            assert fresh or content == whole, f"seed {seed}, file {number}: {done} was not noticed"
        outcomes["one sentence" if sentence else "a fresh state" if fresh else "read"] += 1
    text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    counted(f"{sum(outcomes.values())} damaged files, {kind} (seed {seed}): {text}; 0 tracebacks, 0 hangs")
    capfd.readouterr()


def test_every_kind_is_read_while_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "verify", lambda *_: None)
    for kind, (make, read) in KINDS.items():
        folder = tmp_path / kind
        folder.mkdir()
        monkeypatch.setenv("SOFTCIFAR_MIRROR", str(folder))
        path = make(folder)
        if kind != "CIFAR-10-C":  # of which only the published size is read
            assert said(read, path) == "", kind
