"""prepare: stratified, disjoint splits that depend on split_seed alone; votes and indices that belong to their images.

The real files are tested where SOFTCIFAR_MIRROR names a torchvision root that holds them.
"""

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from softcifar.data import DATA_SOURCES
from softcifar.data.images import Images, Source
from softcifar.data.prepare import converted, prepare
from softcifar.data.protocols import cifar10h
from softcifar.data.splits import load_inputs, load_split
from softcifar.errors import UserError
from softcifar.files import read_json, read_npz

MIRROR = os.environ.get("SOFTCIFAR_MIRROR", "")
SPLITS = ("train", "validation", "test")
SOURCE_OF = {
    "shapes": "shapes",
    "unseen": "shapes_unseen",
    "digits": "digits",
    "noise": "noise",
    "people": "cifar10h",
    "mine": "npz",
    "grey": "npz",
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A folder of raw data sets; the votes of 'people' are on the 600 test images of 'shapes'."""
    root = tmp_path_factory.mktemp("raw")
    options = {"shapes": {"train": 1200, "test": 600}, "unseen": {"count": 30}, "noise": {"count": 20, "side": 28}}
    for name, source in SOURCE_OF.items():
        (root / name).mkdir()
        if source not in ("npz", "cifar10h"):
            DATA_SOURCES[source].fetch(root / name, **options.get(name, {}))
    generator = np.random.default_rng(0)
    np.save(root / "people/cifar10h-counts.npy", generator.integers(1, 9, (600, 10)))
    np.savez(
        root / "mine/data.npz",
        images=generator.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8),
        labels=np.arange(60) % 3,
    )
    np.savez(root / "grey/data.npz", images=generator.integers(0, 256, (5, 20, 24), dtype=np.uint8))
    (root / "stale").mkdir()
    (root / "stale/garbage").write_text("left by a removed data set")
    return root


def prepared(raw, tmp_path, **changes):
    given = {
        "sources": SOURCE_OF,
        "protocol": "standard",
        "images": "shapes",
        "votes": {},
        "sizes": {"train": 800, "validation": 200, "test": None},
        "split_seed": 0,
        "ood_sets": {"unseen": "near", "digits": "far", "noise": "far", "grey": "far"},
    }
    prepare(raw, tmp_path / "study", tmp_path / "ood", tmp_path / "shifted", **{**given, **changes})
    splits = {name: read_npz(tmp_path / "study" / f"{name}.npz") for name in SPLITS}
    return splits, read_json(tmp_path / "study/manifest.json"), read_json(tmp_path / "ood/manifest.json")


def test_standard_takes_the_official_test_part(raw, tmp_path):
    splits, manifest, _ = prepared(raw, tmp_path)
    parts = DATA_SOURCES["shapes"].read(raw / "shapes")
    assert [len(splits[name]["images"]) for name in SPLITS] == [800, 200, 600]
    assert np.intersect1d(splits["train"]["index"], splits["validation"]["index"]).size == 0
    np.testing.assert_array_equal(splits["test"]["index"], np.arange(600))
    for name, split in splits.items():
        part = parts["test" if name == "test" else "train"]
        for array in ("images", "labels", "votes", "exact"):
            np.testing.assert_array_equal(split[array], getattr(part, array)[split["index"]])
        described = manifest["splits"][name]
        assert described["part"] == ("test" if name == "test" else "train")
        assert described["index"] == split["index"].tolist()
        assert described["count"] == len(split["labels"]) == sum(described["per_class"])
        assert described["per_class"] == np.bincount(split["labels"], minlength=10).tolist()
        for array, digest in described["sha256"].items():
            assert digest == hashlib.sha256(split[array].tobytes()).hexdigest()
    assert (manifest["dataset"], manifest["protocol"], manifest["image_shape"]) == ("shapes", "standard", [32, 32, 3])
    assert manifest["classes"][:2] == ["circle", "egg"]


def test_mean_and_std_are_of_the_training_pixels(raw, tmp_path):
    splits, manifest, _ = prepared(raw, tmp_path)
    pixels = splits["train"]["images"].astype(np.float64) / 255
    np.testing.assert_allclose(manifest["mean"], pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(manifest["std"], pixels.std(axis=(0, 1, 2)), rtol=1e-12)


def test_same_bytes_twice_and_the_folder_keeps_what_others_put_there(raw, tmp_path):
    prepared(raw, tmp_path)
    first = {path.name: path.read_bytes() for path in (tmp_path / "study").iterdir()}
    (tmp_path / "study/.gitignore").write_text("/train.npz\n")
    prepared(raw, tmp_path)
    second = {path.name: path.read_bytes() for path in (tmp_path / "study").iterdir()}
    assert second.pop(".gitignore") == b"/train.npz\n"
    assert first == second
    assert sorted(first) == ["inputs.json", "manifest.json", "test.npz", "train.npz", "validation.npz"]


def test_only_the_split_seed_moves_the_splits(raw, tmp_path):
    one, _, _ = prepared(raw, tmp_path / "one", sizes={"train": 800, "validation": 200, "test": 300})
    fewer, _, _ = prepared(raw, tmp_path / "fewer", sizes={"train": 400, "validation": 200, "test": 300})
    other, _, _ = prepared(raw, tmp_path / "other", sizes={"train": 800, "validation": 200, "test": 300}, split_seed=1)
    for name in ("validation", "test"):
        np.testing.assert_array_equal(one[name]["index"], fewer[name]["index"])
        assert not np.array_equal(one[name]["index"], other[name]["index"])


def test_cifar10h_protocol_splits_the_test_part_three_ways(raw, tmp_path):
    sizes = {"train": None, "validation": 60, "test": 140}
    splits, manifest, _ = prepared(raw, tmp_path, protocol="cifar10h", votes={"test": "people"}, sizes=sizes)
    index = np.concatenate([splits[name]["index"] for name in SPLITS])
    np.testing.assert_array_equal(np.sort(index), np.arange(600))
    assert [manifest["splits"][name]["part"] for name in SPLITS] == ["test"] * 3
    votes = np.load(raw / "people/cifar10h-counts.npy")
    for split in splits.values():
        np.testing.assert_array_equal(split["votes"], votes[split["index"]])


def test_several_splits_hold_every_image_once(raw, tmp_path):
    sizes = {"train": None, "validation": 60, "test": 200}
    given = {"protocol": "cifar10h", "votes": {"test": "people"}, "sizes": sizes, "count": 3}
    stored, manifest, _ = prepared(raw, tmp_path, **given)
    for name in SPLITS:
        assert (np.diff(stored[name]["index"]) > 0).all()
    np.testing.assert_array_equal(stored["test"]["index"], np.arange(600))
    parts, votes = DATA_SOURCES["shapes"].read(raw / "shapes")["test"], np.load(raw / "people/cifar10h-counts.npy")
    inputs = load_inputs(tmp_path / "study")
    assert len(inputs) == 3
    for number in range(3):
        for name in SPLITS:
            split = load_split(tmp_path / "study", name, number)
            np.testing.assert_array_equal(split.images, parts.images[split.index])
            np.testing.assert_array_equal(split.votes, votes[split.index])
            described = manifest["splits"][name]
            assert described["index"][number] == split.index.tolist()
            assert described["per_class"][number] == np.bincount(split.labels, minlength=10).tolist()
            assert described["count"] == len(split.labels)
            if name == "train":
                pixels = split.images.astype(np.float64) / 255
                np.testing.assert_allclose(inputs[number]["mean"], pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
                assert manifest["std"][number] == inputs[number]["std"]


def test_votes_join_only_the_part_they_were_taken_on(raw, tmp_path):
    own, _, _ = prepared(raw, tmp_path)
    splits, _, _ = prepared(raw, tmp_path, votes={"test": "people"})
    np.testing.assert_array_equal(splits["test"]["votes"], np.load(raw / "people/cifar10h-counts.npy"))
    np.testing.assert_array_equal(splits["train"]["votes"], own["train"]["votes"])


def test_own_data_without_a_test_part(raw, tmp_path):
    sizes = {"train": None, "validation": 12, "test": 15}
    splits, manifest, ood = prepared(raw, tmp_path, images="mine", sizes=sizes, ood_sets={"grey": "near"})
    assert [len(splits[name]["labels"]) for name in SPLITS] == [33, 12, 15]
    assert [manifest["splits"][name]["per_class"] for name in SPLITS] == [[11] * 3, [4] * 3, [5] * 3]
    assert np.unique(np.concatenate([splits[name]["index"] for name in SPLITS])).size == 60
    assert "votes" not in splits["train"]
    assert ood["grey"]["count"] == 5


def test_novel_sets_get_the_shape_of_the_study(raw, tmp_path):
    _, _, ood = prepared(raw, tmp_path)
    assert {name: entry["count"] for name, entry in ood.items()} == {
        "unseen": 30,
        "digits": 1797,
        "noise": 20,
        "grey": 5,
    }
    for name, entry in ood.items():
        images = read_npz(tmp_path / "ood" / f"{name}.npz", "images")["images"]
        assert images.shape == (entry["count"], 32, 32, 3)
        assert entry["sha256"]["images"] == hashlib.sha256(images.tobytes()).hexdigest()


def test_conversion():
    colour = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    assert converted(colour, (32, 32, 3)) is colour
    grey = converted(colour, (32, 32, 1))
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in colour])
    assert np.abs(grey[..., 0].astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(converted(grey, (32, 32, 3)), np.repeat(grey, 3, axis=3))
    # a checkerboard of single pixels becomes even grey: without antialiasing it would stay black and white
    board = np.broadcast_to((np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[None, ..., None], (1, 64, 64, 1))
    assert np.abs(converted(board, (32, 32, 1))[:, 2:-2, 2:-2].astype(int) - 127).max() <= 8
    assert converted(colour, (20, 24, 1)).shape == (3, 20, 24, 1)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(2, 5), st.integers(0, 2**31))
def test_splits_are_disjoint_exact_and_in_proportion(data, classes, seed):
    count = data.draw(st.integers(6 * classes, 120))
    labels = np.random.default_rng(seed).permutation(np.arange(count) % classes)
    validation = data.draw(st.integers(classes, count - 4 * classes))
    test = data.draw(st.integers(classes, count - validation - 2 * classes))
    parts = {"test": Images(np.zeros((count, 1, 1, 1), np.uint8), labels, np.ones((count, classes), int))}
    sizes = {"train": None, "validation": validation, "test": test}
    (splits,) = cifar10h(parts, sizes, seed)
    assert {name: len(index) for name, (_, index) in splits.items()} == {**sizes, "train": count - validation - test}
    np.testing.assert_array_equal(np.sort(np.concatenate([index for _, index in splits.values()])), np.arange(count))
    for _, index in splits.values():
        per_class = np.bincount(labels[index], minlength=classes)
        assert np.abs(per_class - len(index) / classes).max() < 2.5
        assert (np.diff(index) > 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": "shape"}, "data.images: there is no 'shape'; did you mean 'shapes'"),
        ({"protocol": "cifar10"}, "data.protocol: there is no 'cifar10'; did you mean 'cifar10h'"),
        ({"votes": {"test": "peopel"}}, "data.votes.test: there is no 'peopel'; did you mean 'people'"),
        ({"ood_sets": {"digit": "far"}}, "data.ood: there is no 'digit'; did you mean 'digits'"),
        ({"ood_sets": {"shapes": "near"}}, "data.ood: 'shapes' is the data set that is learned"),
        ({"ood_sets": {"people": "far"}}, r"data.ood: 'people' \(source cifar10h\) holds votes, no images"),
        ({"images": "people"}, r"data.images: 'people' \(source cifar10h\) holds votes, no images"),
        ({"images": "unseen"}, "data.images: the train images of 'unseen' have no labels"),
        ({"votes": {"test": "digits"}}, "data.votes.test: 'digits' .* holds images"),
        ({"votes": {"train": "people"}}, "data.votes.train: 'people': there is no 'train'; allowed: test"),
        ({"images": "mine", "votes": {"test": "people"}}, "data.votes: there is no 'test'.* allowed: train"),
        ({"protocol": "cifar10h", "images": "digits"}, "data.protocol: 'cifar10h' needs people's votes"),
        ({"sizes": {"train": 1100, "validation": 200, "test": None}}, "train 1100 is more than the 1200"),
        ({"sizes": {"train": None, "validation": 1200, "test": None}}, "validation 1200, train null is more than"),
        ({"sizes": {"train": 800, "validation": 200, "test": 601}}, "data.sizes: test 601 is more than the 600"),
        ({"sizes": {"train": 800, "validation": 5, "test": None}}, "data.sizes.validation: found 5 for 10 classes"),
        ({"sizes": {"train": 800, "validation": 1195, "test": None}}, "validation 1195, train 800 is more"),
        ({"sizes": {"train": 3, "validation": 200, "test": None}}, "data.sizes.train: found 3 for 10 classes"),
        ({"sizes": {"train": 1, "validation": 1195, "test": None}}, "1195 of 1200 images leave 5 for 10 classes"),
        ({"images": "mine", "sizes": {"train": None, "validation": 10, "test": None}}, "test and train are null"),
        ({"sources": {**SOURCE_OF, "shapes": "shapse"}}, "datasets.shapes.source: there is no 'shapse'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_nothing_is_written(raw, tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as caught:
        prepared(raw, tmp_path, **changes)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "study").glob("*"))
    assert not (tmp_path / "ood").exists()


def broken(raw, tmp_path, monkeypatch, votes):
    monkeypatch.setitem(DATA_SOURCES, "cifar10h", Source(lambda folder: None, read_votes=lambda folder: {"test": votes}))
    return prepared(raw, tmp_path, votes={"test": "people"})


def test_votes_of_another_length_or_other_classes(raw, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="'people' has votes on 599 images, 'shapes' has 600"):
        broken(raw, tmp_path, monkeypatch, np.ones((599, 10), int))
    with pytest.raises(UserError, match="'people' has votes for 9 classes, 'shapes' has 10 classes"):
        broken(raw, tmp_path, monkeypatch, np.ones((600, 9), int))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": np.arange(60) % 3 + 1}, "no training image has the label 0"),
        ({"labels": np.zeros(60, int)}, "has 1 class; two or more"),
        ({"labels": np.r_[np.arange(59) % 3, 3]}, "cannot be chosen by class"),
        ({"images": np.zeros((60, 8, 8, 3), np.uint8)}, "channel 0 has the same value in every training image"),
        ({"labels": None}, "have no labels"),
    ],
)
def test_own_data_that_cannot_be_learned(raw, tmp_path, arrays, message):
    mine = {**read_npz(raw / "mine/data.npz"), **arrays}
    for name in ("mine", "grey"):
        (tmp_path / name).mkdir()
    np.savez(tmp_path / "mine/data.npz", **{name: values for name, values in mine.items() if values is not None})
    with pytest.raises(UserError, match=message):
        prepared(tmp_path, tmp_path, images="mine", sizes={"train": None, "validation": 12, "test": 15}, ood_sets={})


def test_a_missing_raw_folder_is_named(raw, tmp_path):
    with pytest.raises(UserError, match="gone"):
        prepared(raw, tmp_path, sources={**SOURCE_OF, "gone": "digits"}, ood_sets={"gone": "far"})


# The real files.


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    wanted = ["cifar-10-batches-py/test_batch", "cifar-10h/cifar10h-counts.npy", "cifar-10n/CIFAR-10_human.pt"]
    if not MIRROR or not all((Path(MIRROR) / path).exists() for path in wanted):
        pytest.skip("SOFTCIFAR_MIRROR names no folder with CIFAR-10, CIFAR-10H and CIFAR-10N")
    root = tmp_path_factory.mktemp("real")
    for source in ("cifar10", "cifar10h", "cifar10n"):
        (root / source).mkdir()
        DATA_SOURCES[source].fetch(root / source)
    return root


def official(name):
    """A CIFAR batch read without softcifar: images (10000, 32, 32, 3) and labels."""
    with open(Path(MIRROR) / "cifar-10-batches-py" / name, "rb") as file:
        batch = pickle.load(file, encoding="bytes")
    return batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.array(batch[b"labels"])


REAL = {"cifar10": "cifar10", "cifar10h": "cifar10h", "cifar10n": "cifar10n"}


def test_real_cifar10h_protocol(real, tmp_path):
    sizes = {"train": 8000, "validation": 500, "test": 1500}
    splits, manifest, _ = prepared(
        real,
        tmp_path,
        sources=REAL,
        protocol="cifar10h",
        images="cifar10",
        votes={"test": "cifar10h"},
        sizes=sizes,
        ood_sets={},
    )
    images, labels = official("test_batch")
    votes = np.load(Path(MIRROR) / "cifar-10h/cifar10h-counts.npy")
    for name, split in splits.items():
        index = manifest["splits"][name]["index"]
        assert manifest["splits"][name]["per_class"] == [sizes[name] // 10] * 10
        np.testing.assert_array_equal(split["images"], images[index])
        np.testing.assert_array_equal(split["labels"], labels[index])
        np.testing.assert_array_equal(split["votes"], votes[index])
    together = {name: np.concatenate([split[name] for split in splits.values()]) for name in ("votes", "labels", "index")}
    np.testing.assert_array_equal(np.sort(together["index"]), np.arange(10000))
    # people agree with the label on 99.2 % of the images: votes in another order would agree on 10 %
    assert (together["votes"].argmax(axis=1) == together["labels"]).mean() == pytest.approx(0.9921)
    assert manifest["classes"][0] == "airplane"
    np.testing.assert_allclose(manifest["mean"], [0.494, 0.485, 0.450], atol=1e-3)


def test_real_standard_protocol_with_votes_on_both_parts(real, tmp_path):
    splits, manifest, _ = prepared(
        real,
        tmp_path,
        sources=REAL,
        images="cifar10",
        votes={"train": "cifar10n", "test": "cifar10h"},
        sizes={"train": 45000, "validation": 5000, "test": None},
        ood_sets={},
    )
    assert [len(splits[name]["labels"]) for name in SPLITS] == [45000, 5000, 10000]
    np.testing.assert_array_equal(splits["test"]["images"], official("test_batch")[0])
    images, labels = official("data_batch_3")
    index = splits["train"]["index"]
    third = (index >= 20000) & (index < 30000)
    np.testing.assert_array_equal(splits["train"]["images"][third], images[index[third] - 20000])
    np.testing.assert_array_equal(splits["train"]["labels"][third], labels[index[third] - 20000])
    # the published noise of the majority label is 9.03 %; ties here go to the lowest class
    for name in ("train", "validation"):
        agreement = (splits[name]["votes"].argmax(axis=1) == splits[name]["labels"]).mean()
        assert agreement == pytest.approx(0.912, abs=0.01)
    assert (splits["train"]["votes"].sum(axis=1) == 3).all()
    assert manifest["splits"]["validation"]["per_class"] == [500] * 10
