"""tiny_imagenet and textures: from the publishers' archives to small squares, without keeping the archives."""

import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from softcifar.data import DATA_SOURCES, textures, tiny_imagenet
from softcifar.data.fetching import Published
from softcifar.data.photographs import squares
from softcifar.errors import UserError


def photograph(width, height, left=(200, 0, 0), right=(0, 0, 200), kind="PNG"):
    """Two halves of one colour each."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = left, right
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


ARCHIVES = {
    "tiny_imagenet": (tiny_imagenet, zipped, "tiny-imagenet-200/val/images/", "JPEG"),
    "textures": (textures, tarred, "dtd/images/banded/", "jpg"),
}


@pytest.fixture(params=ARCHIVES)
def published(request, tmp_path, monkeypatch):
    """(source, publish): publish(files) puts an archive of these files into the mirror, as if it were the published one."""
    module, pack, _, _ = ARCHIVES[request.param]
    mirror = tmp_path / "mirror"
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(mirror))

    def publish(files, cut=None):
        content = pack(files)[:cut]
        path = mirror / module.ARCHIVE.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        checksum = f"md5:{hashlib.md5(content).hexdigest()}"
        monkeypatch.setattr(module, "ARCHIVE", Published(module.ARCHIVE.path, checksum, module.ARCHIVE.urls))

    return request.param, publish


def test_the_archive_becomes_small_squares(published, tmp_path):
    name, publish = published
    _, _, folder, suffix = ARCHIVES[name]
    other = folder.replace("val/images/", "train/n01/").replace("dtd/images/banded/", "dtd/labels/")
    publish({f"{folder}b.{suffix}": photograph(64, 64), f"{folder}a.{suffix}": photograph(64, 64, right=(0, 200, 0)),
             f"{other}c.{suffix}": photograph(64, 64)})  # fmt: skip
    out = tmp_path / "raw"
    out.mkdir()
    DATA_SOURCES[name].fetch(out, side=8)
    images = DATA_SOURCES[name].read(out)["train"].images
    assert images.shape == (2, 8, 8, 3)
    assert [path.name for path in out.iterdir()] == ["images.npz"]
    assert (images[:, :, :4] == (200, 0, 0)).all()
    assert {tuple(image[0, 7]) for image in images} == {(0, 0, 200), (0, 200, 0)}


def test_a_damaged_archive_is_a_sentence(published, tmp_path):
    name, publish = published
    _, _, folder, suffix = ARCHIVES[name]
    publish({f"{folder}a.{suffix}": photograph(64, 64)}, cut=60)
    with pytest.raises(UserError, match="not a whole archive"):
        DATA_SOURCES[name].fetch(tmp_path)


def test_the_central_square_is_averaged_by_area():
    wide = photograph(96, 32)  # the square is columns 32 to 63; its halves have one colour each
    (image,) = squares([("wide", wide)], 4, total=1, what="test")
    assert (image[:, :2] == (200, 0, 0)).all()
    assert (image[:, 2:] == (0, 0, 200)).all()
    (pixel,) = squares([("wide", wide)], 1, total=1, what="test")
    assert np.abs(pixel[0, 0].astype(int) - (100, 0, 100)).max() <= 1
    with pytest.raises(UserError, match=r"broken.jpg: not a whole image"):
        squares([("broken.jpg", wide[:50])], 4, total=1, what="test")
