"""CIFAR-10-C: the published arrays, joined with the study's own test images."""

import hashlib
import io
import tarfile

import numpy as np
import pytest

from softcifar.data import cifar10c
from softcifar.data.fetching import Published
from softcifar.data.images import Images, Source
from softcifar.data.prepare import prepare
from softcifar.data.splits import load_corrupted, load_split
from softcifar.errors import UserError
from softcifar.files import read_json, read_npz

TESTS = 12


@pytest.fixture
def small(monkeypatch):
    """CIFAR-10-C with two corruptions of twelve images."""
    monkeypatch.setattr(cifar10c, "IMAGES", TESTS)
    monkeypatch.setattr(cifar10c, "CORRUPTIONS", ("fog", "snow"))


def copies(corruption):
    """Every pixel of an image says its place, the last channel its severity."""
    images = np.zeros((5, TESTS, 32, 32, 3), np.uint8)
    images[..., 0] = np.arange(TESTS)[:, None, None] + (100 if corruption == "snow" else 0)
    images[..., 2] = np.arange(1, 6)[:, None, None, None]
    return images.reshape(-1, 32, 32, 3)


def publish(tmp_path, monkeypatch, names):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            array = io.BytesIO()
            np.save(array, copies(name))
            member = tarfile.TarInfo(f"CIFAR-10-C/{name}.npy")
            member.size = len(array.getvalue())
            archive.addfile(member, io.BytesIO(array.getvalue()))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / cifar10c.NAME).write_bytes(stream.getvalue())
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path / "mirror"))
    checksum = f"md5:{hashlib.md5(stream.getvalue()).hexdigest()}"
    monkeypatch.setattr(cifar10c, "ARCHIVE", Published(cifar10c.NAME, checksum, ()))


def test_fetch_takes_the_arrays_out_of_the_archive(small, tmp_path, monkeypatch):
    publish(tmp_path, monkeypatch, ("fog", "snow", "labels"))
    raw = tmp_path / "raw"
    raw.mkdir()
    cifar10c.fetch(raw)
    assert sorted(path.name for path in raw.iterdir()) == ["fog.npy", "snow.npy"]
    (fog, images), (snow, _) = cifar10c.read_corrupted(raw)
    assert (fog, snow) == ("fog", "snow")
    assert images.shape == (5, TESTS, 32, 32, 3)
    assert (images[3, 7, ..., 0] == 7).all()
    assert (images[3, 7, ..., 2] == 4).all()


def test_an_archive_without_a_corruption_is_a_sentence(small, tmp_path, monkeypatch):
    publish(tmp_path, monkeypatch, ("fog",))
    with pytest.raises(UserError, match="lacks a file"):
        cifar10c.fetch(tmp_path)


def test_other_arrays_are_a_sentence(small, tmp_path):
    np.save(tmp_path / "fog.npy", np.zeros((3, 32, 32, 3), np.uint8))
    with pytest.raises(UserError, match=r"fog.npy: found uint8 of shape \(3, 32, 32, 3\)"):
        list(cifar10c.read_corrupted(tmp_path))
    (tmp_path / "fog.npy").write_bytes(b"broken")
    with pytest.raises(UserError, match="not a whole array"):
        list(cifar10c.read_corrupted(tmp_path))


def drawn(part, side=32):
    generator = np.random.default_rng(0 if part == "train" else 1)
    count = 40 if part == "train" else TESTS
    images = generator.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return Images(images, np.arange(count) % 2, np.ones((count, 2), int), classes=("a", "b"))


def prepared(tmp_path, monkeypatch, **changes):
    """A study of 40 drawn training and 12 test images, five of which are taken."""
    side = changes.pop("side", 32)
    sources = {
        "drawn": Source(lambda folder: None, lambda folder: {part: drawn(part, side) for part in ("train", "test")}),
        "cifar10c": Source(lambda folder: None, read_corrupted=cifar10c.read_corrupted),
    }
    monkeypatch.setattr("softcifar.data.prepare.DATA_SOURCES", sources)
    (tmp_path / "raw/published").mkdir(parents=True)
    for name in cifar10c.CORRUPTIONS:
        np.save(tmp_path / "raw/published" / f"{name}.npy", copies(name))
    given = {
        "sources": {"drawn": "drawn", "published": "cifar10c"}, "protocol": "standard", "images": "drawn", "votes": {},
        "sizes": {"train": 20, "validation": 10, "test": 5}, "split_seed": 0, "ood_sets": (), "corrupted": "published",
    }  # fmt: skip
    prepare(*(tmp_path / name for name in ("raw", "study", "ood", "shifted")), **(given | changes))


def test_the_copies_are_those_of_the_studys_test_images(small, tmp_path, monkeypatch):
    prepared(tmp_path, monkeypatch)
    index = read_npz(tmp_path / "study/test.npz", "index")["index"]
    assert len(index) == 5
    assert read_json(tmp_path / "shifted/manifest.json") == {"corruptions": ["published_fog", "published_snow"]}
    images = read_npz(tmp_path / "shifted/published_snow.npz", "images")["images"]
    assert images.shape == (5, 5, 32, 32, 3)
    assert (images[2, :, 0, 0, 0] == 100 + index).all()
    assert (images[2, ..., 2] == 3).all()


def test_every_split_has_the_copies_of_its_own_test_images(small, tmp_path, monkeypatch):
    sizes = {"train": None, "validation": 2, "test": None}
    prepared(tmp_path, monkeypatch, protocol="cifar10h", sizes=sizes, count=3)
    for split in range(3):
        index = load_split(tmp_path / "study", "test", split).index
        images = load_corrupted(tmp_path / "shifted/published_snow.npz", split, severity=3)
        assert images.shape == (4, 32, 32, 3)
        assert (images[:, 0, 0, 0] == 100 + index).all()
        assert (images[..., 2] == 3).all()


def test_no_copies_no_files(small, tmp_path, monkeypatch):
    prepared(tmp_path, monkeypatch, corrupted=None)
    assert [path.name for path in (tmp_path / "shifted").iterdir()] == ["manifest.json"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"corrupted": "drawn"}, r"'drawn' \(source drawn\) holds no corrupted copies"),
        ({"side": 16}, r"has copies of 12 test images \(32, 32, 3\); the study's test images are from the test part"),
    ],
)
def test_copies_that_do_not_fit(small, tmp_path, monkeypatch, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        prepared(tmp_path, monkeypatch, **changes)
    assert not (tmp_path / "shifted").exists()
