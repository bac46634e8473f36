"""npz: the user's own arrays are checked before anything is written, and every mistake is one sentence."""

import hashlib
import os

import numpy as np
import pytest

from softcifar.data import DATA_SOURCES
from softcifar.errors import UserError

NPZ = DATA_SOURCES["npz"]


def good(count=30, shape=(8, 8, 3), classes=3):
    generator = np.random.default_rng(0)
    return {
        "images": generator.integers(0, 256, (count, *shape), dtype=np.uint8),
        "labels": np.arange(count) % classes,
        "votes": generator.integers(1, 5, (count, classes)),
    }


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetched(tmp_path, arrays):
    source, folder = tmp_path / "mine.npz", tmp_path / "raw"
    np.savez(source, **arrays)
    folder.mkdir(exist_ok=True)
    NPZ.fetch(folder, path=str(source), sha256=sha256(source))
    return NPZ.read(folder)


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch):
    monkeypatch.delenv("SOFTCIFAR_MIRROR", raising=False)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 10, 3)])
def test_images_labels_votes_come_back(tmp_path, shape):
    arrays = good(shape=shape)
    parts = fetched(tmp_path, arrays)
    assert list(parts) == ["train"]
    mine = parts["train"]
    assert mine.images.shape == (30, *(shape if len(shape) == 3 else (*shape, 1)))
    np.testing.assert_array_equal(mine.images.reshape(arrays["images"].shape), arrays["images"])
    np.testing.assert_array_equal(mine.labels, arrays["labels"])
    np.testing.assert_array_equal(mine.votes, arrays["votes"])
    assert (mine.labels.dtype, mine.votes.dtype, mine.classes) == (np.int64, np.int64, ("0", "1", "2"))


def test_test_part_and_class_names(tmp_path):
    arrays = good() | {f"test_{name}": values for name, values in good(9).items()}
    parts = fetched(tmp_path, arrays | {"classes": np.array(["cat", "dog", "owl"])})
    assert len(parts["test"].images) == 9
    assert parts["train"].classes == parts["test"].classes == ("cat", "dog", "owl")


def test_images_alone_are_enough_for_a_novel_set(tmp_path):
    assert fetched(tmp_path, {"images": good()["images"]})["train"].labels is None


def test_unknown_arrays_are_mentioned(tmp_path, capsys):
    fetched(tmp_path, good() | {"vote": np.zeros(3)})
    assert "not used: vote; known arrays: images, labels, votes" in capsys.readouterr().err


def changed(name, change):
    arrays = good()
    arrays[name] = change(arrays[name])
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (changed("images", lambda x: x / 255), r"images must be uint8 \(0..255\), found float64 of shape \(30, 8"),
        (changed("images", lambda x: x.transpose(0, 3, 1, 2)), r"images must be \(N, H, W\).*found uint8 of"),
        (changed("images", lambda x: x[0, 0]), "images must be"),
        (changed("images", lambda x: x[:0]), "images must be"),
        (changed("labels", lambda x: x[:-1]), r"one number per image, shape \(30,\), found shape \(29,\)"),
        (changed("labels", lambda x: x[:, None]), "labels must be one number per image"),
        (changed("labels", lambda x: x.astype(float)), "labels must be whole numbers from 0, found float64"),
        (changed("labels", lambda x: x - 1), r"labels must be in 0..2, found -1..1"),
        (changed("labels", lambda x: x + 1), r"labels must be in 0..2, found 1..3"),
        (changed("votes", lambda x: x[:, :2]), r"labels must be in 0..1, found 0..2"),
        (changed("votes", lambda x: x[:5]), r"votes must be one row per image.*\(30, 3\), found shape \(5, 3\)"),
        (changed("votes", lambda x: x / 3), "votes must be whole numbers of votes, found float64"),
        (changed("votes", lambda x: x - 2), r"votes must be in 0..1,000,000,000, found -1"),
        (changed("votes", lambda x: x * (np.arange(30) != 7)[:, None]), "no vote at all, the first is image 7"),
        (changed("votes", lambda x: x[0]), "votes must be one row per image"),
        (good() | {"classes": np.array(["a", "b", "b"])}, "classes must be a list of different names"),
        (good() | {"classes": np.array(["a", "b"])}, r"labels must be in 0..1, found 0..2"),
        (good() | {"test_labels": np.zeros(3, int)}, "no test_images"),
        (good() | {"test_images": np.zeros((3, 9, 9, 3), np.uint8)}, r"test_images are \(9, 9, 3\)"),
        ({"labels": np.zeros(3, int)}, "has no array 'images'; found: labels"),
        (good() | {"labels": np.array([None] * 30)}, "pickled Python objects"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, arrays, message):
    with pytest.raises(UserError, match=message) as caught:
        fetched(tmp_path, arrays)
    assert "mine.npz" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "raw").iterdir()) == []


def damaged_truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def damaged_inside(path):
    content = bytearray(path.read_bytes())
    content[300:400] = bytes(100)
    path.write_bytes(content)


def damaged_no_zip(path):
    np.save(path.with_suffix(".npy"), np.zeros(3))
    os.replace(path.with_suffix(".npy"), path)


def damaged_text(path):
    path.write_text("images, labels\n")


def damaged_empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [damaged_truncated, damaged_inside, damaged_no_zip, damaged_text, damaged_empty], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_file(tmp_path, damage, save):
    source, folder = tmp_path / "mine.npz", tmp_path / "raw"
    save(source, **good())
    damage(source)
    folder.mkdir()
    with pytest.raises(UserError, match=r"mine\.npz"):
        NPZ.fetch(folder, path=str(source), sha256=sha256(source))
    assert list(folder.iterdir()) == []


def test_any_damage_is_noticed_or_harmless(tmp_path):
    np.savez_compressed(tmp_path / "data.npz", **good(5))
    whole, generator = (tmp_path / "data.npz").read_bytes(), np.random.default_rng(0)
    noticed = 0
    for _ in range(150):
        content = bytearray(whole)
        content[generator.integers(len(content))] = generator.integers(256)
        (tmp_path / "data.npz").write_bytes(content)
        try:
            NPZ.read(tmp_path)
        except UserError:
            noticed += 1
    assert noticed > 100


def test_checksum_is_asked_for_and_compared(tmp_path):
    source = tmp_path / "mine.npz"
    np.savez(source, **good())
    with pytest.raises(UserError, match=f"write sha256: {sha256(source)}"):
        NPZ.fetch(tmp_path, path=str(source))
    with pytest.raises(UserError, match=f"has {sha256(source)}, the params expect abc"):
        NPZ.fetch(tmp_path, path=str(source), sha256="abc")


def test_path_is_looked_for_here_and_in_the_mirror(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"there is no file 'sub/mine\.npz'.*SOFTCIFAR_MIRROR"):
        NPZ.fetch(tmp_path, path="sub/mine.npz", sha256="abc")
    (tmp_path / "mirror/sub").mkdir(parents=True)
    np.savez(tmp_path / "mirror/sub/mine.npz", **good())
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "raw").mkdir()
    NPZ.fetch(tmp_path / "raw", path="sub/mine.npz", sha256=sha256(tmp_path / "mirror/sub/mine.npz"))
    assert len(NPZ.read(tmp_path / "raw")["train"].images) == 30


def test_make_repro_notices_that_a_file_was_changed(tmp_path, write_params):
    """DVC sees params and outputs, not the user's file: `plan --check`, which make repro runs first, looks at it."""
    from softcifar.params import study as params
    from stages.plan import own_files

    path = tmp_path / "mine.npz"
    np.savez(path, images=np.zeros((4, 8, 8, 3), np.uint8))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    changed = write_params({"datasets.mine": {"source": "npz", "path": str(path), "sha256": sha256}})
    params.load(changed, own_files)
    np.savez(path, images=np.ones((4, 8, 8, 3), np.uint8))
    with pytest.raises(UserError, match=rf"datasets.mine.sha256: '{path}' has \w+, the params expect {sha256}"):
        params.load(changed, own_files)


def test_count_keeps_evenly_spaced_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    np.savez("mine.npz", images=images, labels=np.arange(10) // 5, classes=np.array(["a", "b"]))
    checksum = sha256(tmp_path / "mine.npz")
    out = tmp_path / "raw"
    out.mkdir()
    NPZ.fetch(out, path="mine.npz", sha256=checksum, count=4)
    part = NPZ.read(out)["train"]
    assert part.images[:, 0, 0, 0].tolist() == [0, 3, 6, 9]
    assert part.labels.tolist() == [0, 0, 1, 1]
    assert part.classes == ("a", "b")
    with pytest.raises(UserError, match="count: found 11; allowed: at most the 10 images"):
        NPZ.fetch(out, path="mine.npz", sha256=checksum, count=11)
