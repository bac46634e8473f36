"""Raw data that was changed after its checksum was verified: one sentence that names the file, or the same images as before."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from softcifar.data import DATA_SOURCES, cifar10c, cifar10s
from softcifar.errors import UserError
from softcifar.files import read_npz


def refused(read, path: Path) -> str:
    """What the UserError says, one sentence with the file's name."""
    with pytest.raises(UserError) as caught:
        read(path.parent)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text


def batch(**changes) -> dict:
    return {"data": np.zeros((4, 3072), np.uint8), "labels": [0, 1, 2, 9], **changes}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "not a readable CIFAR batch"),
        (None, "not a readable CIFAR batch"),
        ({"labels": [0]}, "it has no 'data'"),
        ({"data": np.zeros((4, 3072), np.uint8)}, "it has no 'labels'"),
        (batch(data=np.zeros((4, 3071), np.uint8)), "cannot reshape"),
        (batch(data=np.zeros((4, 3072))), "found images of float64"),
        (batch(data=np.zeros((0, 3072), np.uint8)), r"found images of uint8 and shape \(0, 32, 32, 3\)"),
        (batch(labels=[0, 1, 2]), r"found labels of int64 and shape \(3,\) for 4 images"),
        (batch(labels=[0, 1, 2, 10]), "found labels from 0 to 10, 10 classes"),
        (batch(labels=[0, 1, 2, -1]), "found labels from -1 to 2"),
        (batch(labels="0129"), "found labels of <U4"),
        (batch(labels=[0, 1, 2, 2**70]), "found labels of object"),
        (batch(labels=[0, [1], 2, 3]), "not a readable CIFAR batch"),
    ],
)
def test_cifar_batches(tmp_path, content, message):
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"):
        (tmp_path / name).write_bytes(pickle.dumps(batch(), protocol=3).replace(b"numpy._core", b"numpy.core"))
    names = {"label_names": [f"class {number}" for number in range(10)]}
    (tmp_path / "batches.meta").write_bytes(pickle.dumps(names, protocol=3))
    test = tmp_path / "test_batch"
    test.write_bytes(pickle.dumps(batch(), protocol=3).replace(b"numpy._core", b"numpy.core"))
    parts = DATA_SOURCES["cifar10"].read(tmp_path)
    assert parts["train"].images.shape == (20, 32, 32, 3)
    assert parts["test"].labels.tolist() == [0, 1, 2, 9]
    test.write_bytes(pickle.dumps(content, protocol=3).replace(b"numpy._core", b"numpy.core"))
    with pytest.raises(UserError, match=message):
        DATA_SOURCES["cifar10"].read(tmp_path)
    refused(DATA_SOURCES["cifar10"].read, test)
    test.write_bytes(pickle.dumps(batch(), protocol=3).replace(b"numpy._core", b"numpy.core"))
    for meta in ([1], None, {"names": []}, {"label_names": 3}):
        (tmp_path / "batches.meta").write_bytes(pickle.dumps(meta, protocol=3))
        refused(DATA_SOURCES["cifar10"].read, tmp_path / "batches.meta")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.ones((4, 1), np.uint8)}, "it has no 'X'"),
        ({"X": np.zeros((32, 32, 3, 4), np.uint8)}, "it has no 'y'"),
        ({"X": np.zeros((32, 32, 3), np.uint8), "y": np.ones((4, 1), np.uint8)}, "not a readable .mat file"),
        ({"X": np.zeros((32, 32, 3, 4)), "y": np.ones((4, 1), np.uint8)}, "found images of float64"),
        ({"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.ones((3, 1), np.uint8)}, r"shape \(3,\) for 4 images"),
        ({"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.full((4, 1), 11, np.uint8)}, "labels from 11 to 11, 10 classes"),
        ({"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.full((4, 1), np.nan)}, "found labels of float64"),
    ],
)
def test_svhn(tmp_path, arrays, message):
    savemat(tmp_path / "test_32x32.mat", arrays)
    with pytest.raises(UserError, match=message):
        DATA_SOURCES["svhn"].read(tmp_path)
    refused(DATA_SOURCES["svhn"].read, tmp_path / "test_32x32.mat")


def idx(values: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()


IMAGES, LABELS = np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels-idx1", idx(LABELS[:5]), r"found labels of uint8 and shape \(5,\) for 20 images"),
        ("labels-idx1", idx(np.full(20, 200, np.uint8)), "found labels from 200 to 200, 10 classes"),
        ("labels-idx1", idx(LABELS[:, None]), "found labels of"),
        ("images-idx3", idx(IMAGES)[:-1], "not a whole IDX file"),
        ("images-idx3", idx(IMAGES) + b"\0", "not a whole IDX file"),
        ("images-idx3", b"\0\0\x08", "not a whole IDX file"),
        ("images-idx3", b"", "not a whole IDX file"),
        ("images-idx3", b"\0\0\x08\xff" + b"\xff" * 40, "not a whole IDX file"),
        ("images-idx3", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "another kind of file"),
    ],
)
def test_idx_files(tmp_path, name, content, message):
    for prefix in ("train", "t10k"):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(IMAGES))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(LABELS))
    assert DATA_SOURCES["mnist"].read(tmp_path)["test"].labels.tolist() == LABELS.tolist()
    path = tmp_path / f"t10k-{name}-ubyte"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        DATA_SOURCES["mnist"].read(tmp_path)
    if name == "labels-idx1":
        refused(DATA_SOURCES["mnist"].read, path)


def test_an_image_file_of_no_images(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES[:0]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS[:0]))
    with pytest.raises(UserError, match=r"found images of uint8 and shape \(0, 28, 28, 1\)"):
        DATA_SOURCES["mnist"].read(tmp_path)


@pytest.mark.parametrize("votes", [np.ones((5, 3), int), np.ones(10, int), np.full((5, 10), -1), np.ones((5, 10)) / 10, 3, "x"])
def test_cifar10h(tmp_path, votes):
    path = tmp_path / "cifar10h-counts.npy"
    np.save(path, np.asarray(votes))
    text = refused(DATA_SOURCES["cifar10h"].read_votes, path)
    assert "the published file has counts (10000, 10)" in text


@pytest.mark.parametrize("labels", [np.full(4, 10), np.full(4, -1), np.ones(4) / 2, np.ones((4, 1), int), np.ones(3, int)])
def test_cifar10n(tmp_path, labels):
    path = tmp_path / "CIFAR-10_human.pt"
    people = {f"random_label{number}": torch.ones(4, dtype=torch.int64) for number in (1, 2)}
    torch.save({**people, "random_label3": torch.from_numpy(labels)}, path)
    refused(DATA_SOURCES["cifar10n"].read_votes, path)
    torch.save([1, 2], path)
    refused(DATA_SOURCES["cifar10n"].read_votes, path)


@pytest.mark.parametrize("image", ["0", "10000", "-1", "cat"])
@pytest.mark.parametrize("row", ["0.5, 0.5", "2, -1" + 8 * ", 0", "1, 1" + 8 * ", 0", "NaN" + 9 * ", 0", "", "1" + 9 * ", 0"])
def test_cifar10s(tmp_path, image, row):
    path = tmp_path / cifar10s.NAME
    path.write_text(f'{{"{image}": [[{row}]]}}')
    if image == "0" and row.startswith("1, 0"):
        assert cifar10s.read_soft_labels(tmp_path)[0, 0] == 1
        assert cifar10s.read_asked(tmp_path)[:2].tolist() == [1, 0]
        path.write_text("{}")
    with pytest.raises(UserError, match=cifar10s.NAME) as caught:
        cifar10s.read_soft_labels(tmp_path)
    assert "run the download stage again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cifar10c(tmp_path):
    path = tmp_path / f"{cifar10c.CORRUPTIONS[0]}.npy"
    np.save(path, np.zeros((5, 32, 32, 3), np.uint8))
    whole = path.read_bytes()
    for content in (whole, whole[:-1], whole[:100], whole[:9], b"", b"PK\3\4" + whole):
        path.write_bytes(content)
        refused(lambda folder: list(DATA_SOURCES["cifar10c"].read_corrupted(folder)), path)


def npy(shape: str, data: bytes = b"") -> bytes:
    """A .npy file of uint8 whose header claims this shape."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header.encode() + data


def zipped(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"images": b"no array"}, "'images' is no array"),
        ({"images.npy": npy("(3, 3)", bytes(9)), "notes.txt": b"x"}, "'notes.txt' is no array"),
        ({"images.npy": npy("(3,")}, "not a readable .npz file"),
        ({"images.npy": npy("(3, 3)")[:60]}, "not a readable .npz file"),
        ({"images.npy": b"\x93NUMPY"}, "not a readable .npz file"),
        ({"images.npy": npy("('a',)")}, "not a readable .npz file"),
        ({"images.npy": npy("(-3,)")}, "not a readable .npz file"),
        ({"images.npy": npy("(30064771072,)")}, "(EOF|does not fit into memory .*28.0 GiB)"),
        ({"images.npy": npy("(9223372036854775807,)")}, "(EOF|does not fit into memory|not a readable)"),
        ({"images.npy": npy(f"({2**70},)")}, "not a readable .npz file"),
        ({"images.npy": npy("(" * 300)}, "not a readable .npz file"),
    ],
)
def test_npz(tmp_path, members, message):
    path = tmp_path / "mine.npz"
    zipped(path, members)
    with pytest.raises(UserError, match=message):
        read_npz(path, "images")
    refused(lambda folder: read_npz(folder / "mine.npz"), path)


def test_npz_that_is_encrypted(tmp_path):
    path = tmp_path / "mine.npz"
    zipped(path, {"images.npy": npy("(3, 3)", bytes(9))})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag, in the member's own header and in the list of members
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert "password" in refused(lambda folder: read_npz(folder / "mine.npz"), path)


@pytest.mark.parametrize("label", [2**62, 2**31, 2**64 - 1, 100_000])
def test_labels_too_large_to_count_classes_are_refused_before_anything_is_sized_by_them(tmp_path, label):
    labels = np.array([0, 1, label], np.uint64)
    np.savez(tmp_path / "data.npz", images=np.zeros((3, 8, 8), np.uint8), labels=labels)
    assert f"labels must be in 0..99,999, found {label:,}" in refused(DATA_SOURCES["npz"].read, tmp_path / "data.npz")


@pytest.mark.parametrize("votes", [2**63, 10**9 + 1])
def test_votes_too_large_to_be_added_are_refused(tmp_path, votes):
    table = np.ones((3, 2), np.uint64)
    table[1, 1] = votes
    np.savez(tmp_path / "data.npz", images=np.zeros((3, 8, 8), np.uint8), labels=np.array([0, 1, 1]), votes=table)
    assert f"votes must be in 0..1,000,000,000, found {votes:,}" in refused(DATA_SOURCES["npz"].read, tmp_path / "data.npz")


def test_what_the_system_says_of_the_disk_is_no_damage(tmp_path, monkeypatch):
    np.savez(tmp_path / "data.npz", images=np.zeros(3))

    def fails(*_, **__):
        raise PermissionError(13, "Permission denied", "data.npz")

    monkeypatch.setattr(np, "load", fails)
    with pytest.raises(PermissionError):
        read_npz(tmp_path / "data.npz")


def test_tiny_imagenet_that_is_encrypted(tmp_path, monkeypatch):
    from softcifar.data import fetching, tiny_imagenet

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr(f"{tiny_imagenet.FOLDER}val_0.JPEG", b"x")
    content = bytearray(stream.getvalue())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "tiny-imagenet-200.zip").write_bytes(content)
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path))
    monkeypatch.setattr(fetching, "verify", lambda *_: None)
    with pytest.raises(UserError, match=r"tiny-imagenet-200\.zip: not a whole archive \(.*password"):
        DATA_SOURCES["tiny_imagenet"].fetch(tmp_path)
