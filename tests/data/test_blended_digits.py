"""blended_digits: images between two classes, judged by networks that saw neither end; on scikit-learn's digits, offline."""

import re

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from softcifar.data import annotators, blended_digits, displacement, mixed
from softcifar.data.images import Images
from softcifar.errors import UserError
from softcifar.params.study import load
from softcifar.scores.predictive_entropy import predictive_entropy


@pytest.fixture(scope="module", autouse=True)
def _quick_annotators():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annotators, "STEPS", 100)
        yield


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


class ClassMeans:
    """Annotators that take no training: each goes by the distance to the mean images of its own half."""

    def __init__(self, images, labels, classes, count, seed, report):
        self.means = []
        for number in range(count):
            own = np.random.default_rng([seed, number]).permutation(len(images))[: len(images) // 2]
            self.means.append(np.stack([images[own][labels[own] == each].mean(axis=0) for each in range(classes)]))

    def judge(self, images):
        distances = [((images[:, None] / 255 - means / 255) ** 2).sum(axis=(2, 3)) for means in self.means]
        return softmax(-0.3 * np.stack(distances), axis=2)


@pytest.fixture
def class_means(monkeypatch):
    monkeypatch.setattr(annotators, "Annotators", ClassMeans)
    monkeypatch.setattr(blended_digits, "BLOCK", 10)


@pytest.fixture
def small_mnist(parts, monkeypatch, class_means):
    monkeypatch.setattr(blended_digits, "mnist", lambda folder: parts)


def test_people_doubt_most_in_the_middle_of_a_path(parts):
    train = parts["train"]
    halves = [blended_digits._digits(train, np.arange(start, 1400, 2)) for start in (0, 1)]
    judges = annotators.Annotators(halves[0].images, halves[0].labels, 10, 10, 0, lambda: None)
    images, ends = blended_digits.paths(halves[1], 60, np.random.default_rng(0))
    mean = blended_digits.judged(judges, images).mean(axis=0)  # (P, T, K)
    doubt = -(mean * np.log(mean)).sum(axis=2).mean(axis=0)
    peak = int(doubt.argmax())
    assert 3 <= peak <= 6
    assert (np.diff(doubt[: peak + 1]) > 0).all()
    assert (np.diff(doubt[peak:]) < 0).all()
    assert doubt[4] > 1.1 * max(doubt[0], doubt[-1])
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
        def __init__(self, images, labels, classes, count, seed, report):
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


def test_more_images_leave_the_first_ones_as_they_are(parts, class_means):
    fewer, more = (blended_digits.blended(parts, {"train": count, "test": count}, 0) for count in (7, 30))
    for part, arrays in fewer.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, more[part][name][:7])


def test_with_parents_once_no_two_images_share_a_digit(tmp_path, small_mnist, parts):
    options = {"seed": 3, "train": 40, "test": 10, "clean": 100, "clean_test": 30}
    for name in ("any", "once"):
        (tmp_path / name).mkdir()
        blended_digits.fetch(tmp_path / name, parents=name, **options)
    for part, count, clean in (("train", 40, 100), ("test", 10, 30)):
        (shared, _), (ends, _) = (
            [np.load(tmp_path / name / f"{part}_paths.npz")[key] for key in ("parents", "share")] for name in ("any", "once")
        )
        assert ends.shape == (count, 2)
        assert len(np.unique(ends)) == 2 * count
        assert not np.isin(ends, np.linspace(0, len(parts[part].images) - 1, clean).round().astype(int)).any()
        assert len(np.unique(shared)) < 2 * count or part == "test"  # which is what the option is for
    read = mixed.read_mixed(tmp_path / "once")
    assert [content.ambiguous.sum() for content in read.values()] == [40, 10]


def test_parents_once_leaves_no_digit_where_all_join(tmp_path, small_mnist):
    with pytest.raises(UserError, match="parents: found once, but all 1,400 images of a part join the ambiguous ones"):
        blended_digits.fetch(tmp_path, parents="once", train=4, test=2, clean_test=30)


def test_more_images_leave_the_first_ones_as_they_are_with_parents_once(parts, class_means):
    used = {part: np.arange(50) for part in parts}
    fewer, more = (blended_digits.blended(parts, {"train": count, "test": count}, 0, used) for count in (7, 30))
    for part, arrays in fewer.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, more[part][name][:7])


def auroc(higher: np.ndarray, lower: np.ndarray) -> float:
    """The chance that one of the first scores above one of the second."""
    return roc_auc_score(np.repeat([1, 0], [len(higher), len(lower)]), np.concatenate([higher, lower]))


def test_entropy_finds_doubt_and_not_the_redrawn_stroke(parts):
    """A digit redrawn half way to another one of its class is like an ambiguous image in all but the class. Networks that
    learned from plain images must not be more unsure of it than of those, else entropy would find ambiguous images by style."""
    train = parts["train"]
    learned, shown = (blended_digits._digits(train, np.arange(start, 1400, 2)) for start in (0, 1))
    judges = annotators.Annotators(learned.images, learned.labels, 10, 5, 0, lambda: None)
    generator, between = np.random.default_rng(0), []
    for label in np.repeat(np.arange(10), 15):
        first, second = generator.choice(np.flatnonzero(shown.labels == label), 2, replace=False)
        between.append(displacement.between(shown.images[first], shown.images[second], np.array([0.5]), generator)[0])
    paths, ends = blended_digits.paths(shown, 150, generator)
    doubted = blended_digits.ambiguous(blended_digits.judged(judges, paths), shown.labels[ends])
    entropy = {
        name: predictive_entropy(np.log(judges.judge(images)))
        for name, images in {"plain": shown.images, "redrawn": np.stack(between), "ambiguous": paths[doubted]}.items()
    }
    assert auroc(entropy["redrawn"], entropy["plain"]) < 0.65
    assert auroc(entropy["ambiguous"], entropy["plain"]) > 0.9
    assert auroc(entropy["ambiguous"], entropy["redrawn"]) > 0.9


def test_the_same_networks_from_the_same_seed(parts, monkeypatch):
    monkeypatch.setattr(annotators, "STEPS", 3)
    images, labels = parts["train"].images[..., 0], parts["train"].labels
    once, again, other = (
        annotators.Annotators(images, labels, 10, 2, seed, lambda: None).judge(images[:50]) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    assert not np.array_equal(once[0], once[1])
    np.testing.assert_allclose(once.sum(axis=2), 1)


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


@pytest.mark.parametrize(
    ("source", "option", "found", "allowed"),
    [
        ("blended_digits", "clean_test", 10_001, "10000"),
        ("ambiguous_mnist", "clean_test", 10_001, "10000"),
        ("ambiguous_mnist", "clean", -1, "0"),
        ("ambiguous_mnist", "rows", "votes", "'images' or 'labels'"),
        ("blended_digits", "train", 0, "0"),
        ("blended_digits", "parents", "twice", "'any' or 'once'"),
    ],
)
def test_the_plan_refuses_options_out_of_range(write_params, source, option, found, allowed):
    with pytest.raises(UserError, match=re.escape(f"datasets.dirty.{option}: ")) as caught:
        load(write_params({"datasets.dirty": {"source": source, option: found}}))
    assert str(found) in str(caught.value)
    assert allowed in str(caught.value)


def test_images_that_nobody_doubts_end_in_a_sentence(parts, monkeypatch, class_means):
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
