"""ambiguous_mnist: the published files' format, on small files made here; the files themselves are known by their checksums."""

import pickle

import numpy as np
import pytest
import torch

from softcifar.data import ambiguous_mnist, fetching, prepare, splits
from softcifar.data.images import Images
from softcifar.errors import UserError

COUNT, TRAINING = 30, 20


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A mirror with files of the published format, ten labels per image, and a small MNIST."""
    generator = np.random.default_rng(0)
    images = generator.uniform(size=(COUNT, 1, 28, 28)).astype(np.float32)
    labels = (generator.integers(0, 2, (COUNT, 10)) + np.arange(COUNT)[:, None]) % 10
    folder = tmp_path / "mirror/AmbiguousMNIST"
    folder.mkdir(parents=True)
    torch.save(torch.from_numpy(images), folder / "amnist_samples.pt")
    torch.save(torch.from_numpy(labels), folder / "amnist_labels.pt")
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path / "mirror"))
    for name in ambiguous_mnist.FILES:
        monkeypatch.setitem(ambiguous_mnist.FILES, name, fetching.digest(folder / name, "md5"))
    monkeypatch.setattr(ambiguous_mnist, "TRAINING", 10 * TRAINING)
    clean = Images(np.full((40, 28, 28, 1), 7, np.uint8), np.arange(40) % 10, classes=tuple("0123456789"))
    monkeypatch.setattr(ambiguous_mnist, "mnist", lambda folder: {"train": clean, "test": clean})
    return folder, images, labels


def fetched(tmp_path, **options):
    folder = tmp_path / "raw"
    folder.mkdir()
    ambiguous_mnist.fetch(folder, **options)
    assert sorted(path.name for path in folder.iterdir()) == ["test.npz", "train.npz"]
    return ambiguous_mnist.AMBIGUOUS_MNIST.read(folder)


def test_an_image_is_one_row_with_its_ten_votes(tmp_path, published):
    _, images, labels = published
    parts = fetched(tmp_path, clean=0, clean_test=5)
    train, test = parts["train"], parts["test"]
    assert (len(train.images), len(test.images)) == (TRAINING, 5 + COUNT - TRAINING)
    assert train.images.shape[1:] == (28, 28, 1)
    np.testing.assert_allclose(train.images[..., 0] / 255, images[:TRAINING, 0], atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(train.labels, labels[:TRAINING, 0])
    for number in range(TRAINING):
        assert train.votes[number].tolist() == np.bincount(labels[number], minlength=10).tolist()
    assert train.ambiguous.all()
    assert test.ambiguous.tolist() == [False] * 5 + [True] * (COUNT - TRAINING)
    assert (test.votes[np.arange(5), test.labels[:5]] == 10).all()


def test_the_published_way_is_a_row_per_label(tmp_path, published):
    _, _, labels = published
    train = fetched(tmp_path, rows="labels", clean=None)["train"]
    assert len(train.images) == 40 + 10 * TRAINING
    np.testing.assert_array_equal(train.labels[40:], labels[:TRAINING].ravel())
    assert (train.votes.sum(axis=1) == 1).all()
    assert (train.votes[np.arange(len(train.labels)), train.labels] == 1).all()
    copies = train.images[40:].reshape(TRAINING, 10, -1)
    assert (copies == copies[:, :1]).all()


def test_the_prepared_study_says_which_images_are_ambiguous(tmp_path, published):
    parts = fetched(tmp_path)
    folders = [tmp_path / name for name in ("raw", "study", "ood", "corrupted")]
    (tmp_path / "raw").rename(tmp_path / "dirty")
    (tmp_path / "raw").mkdir()
    (tmp_path / "dirty").rename(tmp_path / "raw/dirty")
    options = {"sources": {"dirty": "ambiguous_mnist"}, "protocol": "standard", "images": "dirty", "votes": {}, "ood_sets": []}
    sizes = {"train": None, "validation": 20, "test": None}
    for count in (1, 2):
        manifest = prepare.prepare(*folders, sizes=sizes, split_seed=0, count=count, **options)
        for part, official in (("train", "train"), ("validation", "train"), ("test", "test")):
            for number in range(count):
                split = splits.load_split(tmp_path / "study", part, number)
                found = splits.load_ambiguous(tmp_path / "study", part, number)
                np.testing.assert_array_equal(found, parts[official].ambiguous[split.index])
            assert "ambiguous" in manifest["splits"][part]["sha256"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("amnist_samples.pt", torch.zeros(3, 28, 28), r"found float32 of shape \(3, 28, 28\)"),
        ("amnist_samples.pt", torch.zeros(30, 1, 28, 28, dtype=torch.uint8), "found uint8 of shape"),
        ("amnist_samples.pt", torch.full((30, 1, 28, 28), 1.5), "found pixels from 1.5 to 1.5; allowed: 0 to 1"),
        ("amnist_samples.pt", torch.full((30, 1, 28, 28), float("nan")), "found pixels from nan to nan"),
        ("amnist_samples.pt", torch.zeros(0, 1, 28, 28), r"found float32 of shape \(0, 1, 28, 28\)"),
        ("amnist_samples.pt", {"images": torch.zeros(3)}, "it holds no tensor but a dict"),
        ("amnist_labels.pt", torch.zeros(29, 10, dtype=torch.int64), r"found int64 of shape \(29, 10\) for 30 images"),
        ("amnist_labels.pt", torch.zeros(30, dtype=torch.int64), r"found int64 of shape \(30,\)"),
        ("amnist_labels.pt", torch.zeros(30, 10), "found float32"),
        ("amnist_labels.pt", torch.full((30, 10), 10), "found labels from 10 to 10; allowed: 0 to 9"),
        ("amnist_labels.pt", torch.full((30, 10), -1), "found labels from -1 to -1"),
        ("amnist_labels.pt", b"no torch file", "not the published file"),
        ("amnist_labels.pt", b"", "not the published file"),
        ("amnist_labels.pt", pickle.dumps(print), "not the published file"),
    ],
)
def test_damaged_files_end_in_one_sentence(published, name, content, message):
    folder = published[0]
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        torch.save(content, folder / name)
    with pytest.raises(UserError, match=message) as caught:
        ambiguous_mnist.read_published(folder)
    assert str(caught.value).startswith(f"{folder / name}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_runs_code_is_not_run(published, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save(Bomb(), published[0] / "amnist_labels.pt")
    with pytest.raises(UserError, match="not the published file"):
        ambiguous_mnist.read_published(published[0])
    assert not (tmp_path / "exploded").exists()


def test_a_changed_file_is_noticed_before_it_is_read(published, tmp_path):
    (published[0] / "amnist_labels.pt").write_bytes(b"x")
    with pytest.raises(UserError, match="damaged or not the published file"):
        fetched(tmp_path)


def test_too_few_images_leave_none_for_testing(published, tmp_path, monkeypatch):
    monkeypatch.setattr(ambiguous_mnist, "TRAINING", 10 * COUNT)
    with pytest.raises(UserError, match="found 30 images; the first 30 are for training, none is left for testing"):
        fetched(tmp_path)
