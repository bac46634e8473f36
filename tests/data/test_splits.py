"""Several splits: folds of all images where test and training images come from one part; files hold every image once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softcifar.data.images import Images
from softcifar.data.protocols import cifar10h, standard
from softcifar.data.splits import (
    PARTS,
    folder_of,
    folders_of,
    load_arrays,
    load_split,
    load_targets,
    read_of_split,
    seeds_of,
    write_splits,
)
from softcifar.errors import UserError
from softcifar.files import read_npz, write_npz
from softcifar.params.sections import Seeds

SIZES = {"train": None, "validation": 20, "test": None}


def drawn(count: int, classes: int = 4, seed: int = 0) -> Images:
    labels = np.random.default_rng(seed).permutation(np.arange(count) % classes)
    return Images(np.zeros((count, 1, 1, 1), np.uint8), labels, np.ones((count, classes), int))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(2, 5), st.integers(8, 30), st.integers(0, 2**31))
def test_every_image_is_a_test_image_once_and_the_parts_of_a_split_do_not_overlap(splits, classes, per_class, seed):
    count = splits * classes * per_class
    images = drawn(count, classes, seed)
    validation = 3 * classes
    found = cifar10h({"test": images}, SIZES | {"validation": validation}, seed, splits)
    assert len(found) == splits
    tests = np.concatenate([split["test"][1] for split in found])
    np.testing.assert_array_equal(np.sort(tests), np.arange(count))
    for split in found:
        assert {name: (part, len(index)) for name, (part, index) in split.items()} == {
            "test": ("test", count // splits),
            "validation": ("test", validation),
            "train": ("test", count - count // splits - validation),
        }
        np.testing.assert_array_equal(np.sort(np.concatenate([index for _, index in split.values()])), np.arange(count))
        for _, index in split.values():
            assert (np.diff(index) > 0).all()
            assert np.abs(np.bincount(images.labels[index], minlength=classes) - len(index) / classes).max() < 2.5


def test_only_the_seed_moves_the_folds():
    parts = {"test": drawn(120)}
    one, again, other = (cifar10h(parts, SIZES, seed, 3) for seed in (0, 0, 1))
    fewer = cifar10h(parts, SIZES | {"train": 40}, 0, 3)
    for number in range(3):
        for name in PARTS:
            np.testing.assert_array_equal(one[number][name][1], again[number][name][1])
        for name in ("validation", "test"):
            np.testing.assert_array_equal(one[number][name][1], fewer[number][name][1])
            assert not np.array_equal(one[number][name][1], other[number][name][1])


def test_an_official_test_part_is_that_of_every_split():
    parts = {"train": drawn(120), "test": drawn(60, seed=1)}
    found = standard(parts, SIZES | {"test": 40}, 7, 3)
    for number, split in enumerate(found):
        np.testing.assert_array_equal(split["test"][1], found[0]["test"][1])
        (alone,) = standard(parts, SIZES | {"test": 40}, 7 + number)
        for name in ("train", "validation"):
            np.testing.assert_array_equal(split[name][1], alone[name][1])
        assert not set(split["train"][1]) & set(split["validation"][1])
    assert not np.array_equal(found[0]["validation"][1], found[1]["validation"][1])


def test_without_an_official_test_part_the_test_parts_are_folds_too():
    found = standard({"train": drawn(120)}, SIZES | {"test": 30}, 0, 4)
    assert np.unique(np.concatenate([split["test"][1] for split in found])).size == 120


@pytest.mark.parametrize(
    ("splits", "sizes", "sentence"),
    [
        (7, SIZES, "data.splits: found 7, but the test part has 120 images, 30 of its rarest class; allowed: a number that"),
        (40, SIZES, "data.splits: found 40, but the test part has 120 images, 30 of its rarest class"),
        (3, SIZES | {"test": 30}, "data.sizes.test: found 30 with data.splits 3; allowed: 40 or null"),
        (3, SIZES | {"train": 61}, "train 61 is more than the 80 images of the test part outside a fold"),
    ],
)
def test_what_does_not_fit_is_one_sentence(splits, sizes, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        cifar10h({"test": drawn(120)}, sizes, 0, splits)
    assert "\n" not in str(caught.value)


def test_a_part_of_a_split_is_its_rows(tmp_path):
    arrays = {"images": np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1), "labels": np.arange(6), "index": 10 * np.arange(6)}
    write_npz(tmp_path / "test.npz", **arrays, votes=np.eye(6, dtype=int), rows=np.array([[0, 2, 4], [1, 3, 5]]))
    for number, rows in enumerate(([0, 2, 4], [1, 3, 5])):
        split = load_split(tmp_path, "test", number)
        assert split.labels.tolist() == split.images.ravel().tolist() == rows
        assert split.index.tolist() == [10 * row for row in rows]
        assert split.votes.argmax(axis=1).tolist() == rows
        assert split.exact is None
    assert "rows" not in load_arrays(tmp_path, "test", 1)
    write_npz(tmp_path / "test.npz", **arrays)
    assert load_split(tmp_path, "test").labels.tolist() == list(range(6))


def test_what_belongs_to_one_split_alone_is_stored_as_before(tmp_path):
    of_splits = [{"probs": np.full((1, 3, 2), split), "index": split + np.arange(3)} for split in range(2)]
    write_splits(tmp_path / "one.npz", of_splits[:1])
    write_npz(tmp_path / "as_before.npz", **of_splits[0])
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "as_before.npz").read_bytes()
    write_splits(tmp_path / "two.npz", of_splits)
    assert read_npz(tmp_path / "two.npz")["probs"].shape == (2, 1, 3, 2)
    for number, wanted in enumerate(of_splits):
        found = read_of_split(tmp_path / "two.npz", number, "probs")
        assert found.keys() == wanted.keys()
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_labels_of_another_split_are_refused(tmp_path):
    write_splits(tmp_path / "hard.npz", [{"probs": np.eye(3)[None], "index": split + np.arange(3)} for split in range(2)])
    images = np.zeros((3, 1, 1, 1), np.uint8)
    write_npz(tmp_path / "train.npz", images=images, labels=np.arange(3), index=np.arange(3))
    train = load_split(tmp_path, "train")
    assert load_targets(tmp_path / "hard.npz", train, 0).shape == (1, 3, 3)
    with pytest.raises(UserError, match="was made for other training images"):
        load_targets(tmp_path / "hard.npz", train, 1)


def test_seeds_of_a_split_do_not_depend_on_how_many_runs_there_are():
    few, many = Seeds(runs=5, search=1, init=3, order=4), Seeds(runs=9, search=1, init=3, order=4)
    assert [seeds_of(many, split, 4).runs for split in range(4)] == [3, 2, 2, 2]  # runs 0, 4 and 8 are of split 0
    assert seeds_of(few, 0, 1) == few
    assert (seeds_of(few, 0, 4).init, seeds_of(few, 0, 4).order) == (3, 4)
    distinct = {(seeds_of(few, split, 4).init, seeds_of(few, split, 4).order) for split in range(4)}
    assert len(distinct) == 4
    for split in range(4):
        assert seeds_of(few, split, 4).init == seeds_of(many, split, 4).init


def test_folders_of_splits_come_together_or_not_at_all(tmp_path):
    out = tmp_path / "hard"

    def fill(count: int) -> None:
        with folders_of(out, 2) as folders:
            for number in range(count):
                folders[number].mkdir()

    with pytest.raises(IndexError):
        fill(3)
    assert not out.exists()
    fill(2)
    assert [folder_of(out, split, 2).is_dir() for split in range(2)] == [True, True]
    with folders_of(out, 1) as folders:
        assert folders == [out]
