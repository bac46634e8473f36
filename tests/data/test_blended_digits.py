"""blended_digits: images between two classes, judged by networks that saw neither end; on scikit-learn's digits, offline."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from softcifar.data import blended_digits, displacement, mixed
from softcifar.data.annotators import Annotators
from softcifar.data.images import Images
from softcifar.errors import UserError


@pytest.fixture(scope="module")
def parts():
    """A small MNIST: 1,400 and 397 digits, 28 x 28."""
    digits = load_digits()
    large = [np.asarray(Image.fromarray(each).resize((20, 20), Image.Resampling.BICUBIC)) for each in digits.images / 16]
    images = np.pad(np.rint(255 * np.clip(large, 0, 1)).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))[..., None]
    labels, classes = digits.target.astype(np.int64), tuple("0123456789")
    return {
        "train": Images(images[:1400], labels[:1400], classes=classes),
        "test": Images(images[1400:], labels[1400:], classes=classes),
    }


@pytest.fixture(scope="module")
def made(parts):
    return blended_digits.blended(parts, {"train": 31, "test": 10}, 0)


@pytest.fixture
def small_mnist(parts, monkeypatch):
    monkeypatch.setattr(blended_digits, "mnist", lambda folder: parts)


def test_people_doubt_most_in_the_middle_of_a_path(parts):
    train = parts["train"]
    halves = [blended_digits._digits(train, np.arange(start, 1400, 2)) for start in (0, 1)]
    annotators = Annotators(halves[0].images, halves[0].labels, 10, 10, 0)
    images, ends = blended_digits.paths(halves[1], 60, np.random.default_rng(0))
    mean = blended_digits.judged(annotators, images).mean(axis=0)  # (P, T, K)
    doubt = -(mean * np.log(mean)).sum(axis=2).mean(axis=0)
    assert doubt[3:6].min() > 1.3 * max(doubt[0], doubt[-1])
    classes = halves[1].labels[ends]
    first, second = (np.take_along_axis(mean, classes[:, each, None, None], axis=2).mean(axis=(0, 2)) for each in (0, 1))
    assert (np.diff(first) < 0).all()
    assert (np.diff(second) > 0).all()
    assert first[0] > 0.7
    assert second[-1] > 0.6


def test_an_image_has_ten_votes_for_classes_between_which_it_lies(parts, made):
    for part, count in (("train", 31), ("test", 10)):
        arrays = made[part]
        assert arrays["images"].shape == (count, 28, 28, 1)
        assert (arrays["votes"].sum(axis=1) == 10).all()
        assert (arrays["votes"][np.arange(count), arrays["labels"]] > 0).all()
        assert np.isin(arrays["share"], blended_digits.SHARES).all()
        ends = parts[part].labels[arrays["parents"]]
        assert (ends[:, 0] != ends[:, 1]).all()
        assert np.take_along_axis(arrays["votes"], ends, axis=1).sum() > 0.75 * 10 * count
    assert ((made["train"]["votes"] > 0).sum(axis=1) > 1).mean() > 0.8  # almost all are doubted


def test_both_parents_are_of_one_half_which_their_annotators_did_not_see(parts, made, monkeypatch):
    seen, judged = [], []

    class Spy:
        def __init__(self, images, labels, classes, count, seed):
            self.seen = {image.tobytes() for image in images}
            seen.append(self.seen)

        def judge(self, images):
            judged.append((self.seen, len(images)))
            return np.full((10, len(images), 10), 0.1)

    monkeypatch.setattr("softcifar.data.annotators.Annotators", Spy)
    monkeypatch.setattr(blended_digits, "BOTH", 0.0)
    again = blended_digits.blended(parts, {"train": 6, "test": 2}, 0)
    assert seen[0] | seen[1] == {image.tobytes() for image in parts["train"].images[..., 0]}
    assert [who for who, _ in judged] == [seen[1], seen[0], seen[0]]
    for number, ends in enumerate(again["train"]["parents"]):  # one of each half in turn
        for end in ends:
            assert parts["train"].images[end, ..., 0].tobytes() in seen[number % 2]
            assert parts["train"].images[end, ..., 0].tobytes() not in seen[1 - number % 2]


def test_more_images_leave_the_first_ones_as_they_are(parts, made):
    fewer = blended_digits.blended(parts, {"train": 8, "test": 3}, 0)
    for part, arrays in fewer.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, made[part][name][: len(values)])


def test_same_options_same_bytes_and_the_clean_images_come_first(tmp_path, small_mnist, parts):
    options = {"train": 4, "test": 2, "clean": 100, "clean_test": 30}
    for folder, seed in (("once", 3), ("again", 3), ("other", 4)):
        (tmp_path / folder).mkdir()
        blended_digits.fetch(tmp_path / folder, seed=seed, **options)
    for path in (tmp_path / "once").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    assert (tmp_path / "once/train.npz").read_bytes() != (tmp_path / "other/train.npz").read_bytes()
    read = mixed.read_mixed(tmp_path / "once")
    for part, clean, ambiguous in (("train", 100, 4), ("test", 30, 2)):
        content = read[part]
        assert content.ambiguous.tolist() == [False] * clean + [True] * ambiguous
        assert (content.votes[:clean].max(axis=1) == 10).all()
        assert (content.votes[:clean].argmax(axis=1) == content.labels[:clean]).all()
        assert (content.votes.sum(axis=1) == 10).all()
        kept = np.linspace(0, len(parts[part].images) - 1, clean).round().astype(int)
        np.testing.assert_array_equal(content.images[:clean], parts[part].images[kept])


@pytest.mark.parametrize(("clean", "count"), [(0, 4), (None, 1404)])
def test_all_or_none_of_the_clean_images(tmp_path, small_mnist, clean, count):
    blended_digits.fetch(tmp_path, train=4, test=2, clean=clean)
    read = mixed.read_mixed(tmp_path)
    assert len(read["train"].images) == count
    assert read["train"].ambiguous.sum() == 4
    assert len(read["test"].images) == 399


def test_more_clean_test_images_than_there_are_are_refused(tmp_path, small_mnist):
    with pytest.raises(UserError, match="clean_test: found 10001; allowed: 0 to 10000"):
        blended_digits.fetch(tmp_path, clean_test=10_001)
    assert not list(tmp_path.iterdir())


def test_images_that_nobody_doubts_end_in_a_sentence(parts, monkeypatch):
    monkeypatch.setattr(blended_digits, "SUREST", 0.0)
    with pytest.raises(UserError, match="found 0 ambiguous images on 20 paths between digits where 1 are wanted"):
        blended_digits.blended(parts, {"train": 1, "test": 1}, 0)


def test_the_ink_moves_and_does_not_fade():
    """Between two vertical lines lies one vertical line in the middle, as bright as they are."""
    left, right = np.zeros((2, 28, 28), np.uint8)
    left[4:24, 5:8] = right[4:24, 17:20] = 255
    images = displacement.between(left, right, np.array([0.0, 0.5, 1.0]), np.random.default_rng(0))
    centres = (images * np.arange(28.0)).sum(axis=(1, 2)) / images.sum(axis=(1, 2))
    np.testing.assert_allclose(centres, [6, 12, 18], atol=0.1)
    assert images[1, 6:22, 12].min() > 120
    assert images[1, :, :9].max() == images[1, :, 16:].max() == 0
    with pytest.raises(ValueError, match="without ink"):
        displacement.between(left, 0 * right, np.array([0.5]), np.random.default_rng(0))
