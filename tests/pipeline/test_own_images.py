"""A user's own images, before anything runs: can they be split by class, and how long will training take."""

import hashlib
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from softcifar.data import npz
from softcifar.errors import UserError
from softcifar.params.study import load
from softcifar.pipeline import own_images
from stages.plan import own_files, own_votes
from tests.conftest import study_file


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """mine(labels, sizes=..., side=..., **changes): params.yaml of studies/own_images with a file of such labels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOFTCIFAR_MIRROR", raising=False)

    def make(labels, sizes=(None, 10, 10), side=8, classes=None, **changes):
        labels = np.asarray(labels)
        height, width = side if isinstance(side, tuple) else (side, side)
        arrays = {"images": np.zeros((len(labels), height, width, 3), np.uint8), "labels": labels}
        np.savez("images.npz", **arrays, **({"classes": np.array(classes)} if classes else {}))
        params = yaml.safe_load(study_file("own_images").read_text())
        checksum = hashlib.sha256((tmp_path / "images.npz").read_bytes()).hexdigest()
        params["datasets"]["images"] |= {"path": "images.npz", "sha256": checksum}
        params["data"]["sizes"] = dict(zip(("train", "validation", "test"), sizes, strict=True))
        for section, change in changes.items():
            params[section] |= change
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        return tmp_path / "params.yaml"

    return make


def test_the_study_to_copy_states_no_key_that_it_needs_not(tmp_path):
    """Each key away, one by one: the params are refused with its name, or are those of another study."""
    text = study_file("own_images").read_text()
    whole, params = load(study_file("own_images")), yaml.safe_load(text)
    assert set(params) == {"study", "seeds", "datasets", "data", "recipe", "labels", "students", "evaluation", "report"}
    for section in ("seeds", "data", "recipe", "evaluation", "report"):
        for key in params[section]:
            less = yaml.safe_load(text)
            del less[section][key]
            (tmp_path / "params.yaml").write_text(yaml.safe_dump(less, sort_keys=False))
            if (section, key) == ("evaluation", "attacks"):  # its comment says what goes without
                assert load(tmp_path / "params.yaml") != whole
            else:
                with pytest.raises(UserError, match=rf"\b{key}: this key is missing"):
                    load(tmp_path / "params.yaml")


@pytest.mark.parametrize("classes", [None, ["cat", "dog", "fox"]])
def test_a_class_of_one_image_is_named_in_our_words(mine, classes):
    path = mine([0] * 30 + [1] * 30 + [2], classes=classes)
    name = "'fox'" if classes else "'2'"
    with pytest.raises(UserError, match=rf"data\.images: 'images' has 1 image of the class {name}, too few for") as caught:
        load(path, own_files, own_images.learnable)
    assert "\n" not in str(caught.value)
    assert "least populated" not in str(caught.value)


def test_so_is_one_that_is_too_small_to_be_in_every_part(mine):
    with pytest.raises(UserError, match=r"has 2 images of the class '2', too few for training, validation and test"):
        load(mine([0] * 30 + [1] * 30 + [2] * 2, sizes=(None, 15, 25)), own_images.learnable)


def test_sizes_that_do_not_fit_are_named_before_anything_runs(mine):
    with pytest.raises(UserError, match=r"data\.sizes: .* is more than the 60 images of the train part"):
        load(mine([0, 1] * 30, sizes=(None, 40, 40)), own_images.learnable)


def test_what_can_be_split_is_not_refused(mine):
    load(mine([0, 1, 2] * 20), own_files, own_images.learnable)


def test_images_are_known_by_their_header_alone(tmp_path):
    np.savez_compressed(tmp_path / "large.npz", images=np.zeros((20_000, 64, 48, 3), np.uint8), labels=np.zeros(20_000, int))
    tracemalloc.start()
    found = own_images.parts(tmp_path / "large.npz")["train"]
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()
    assert found.images.shape == (20_000, 64, 48, 3)
    assert found.labels.shape == (20_000,)


def header(shape: str) -> bytes:
    """The beginning of an .npy of bytes that says to have this shape."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


LABELS = np.arange(60) % 3


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"images": np.zeros((60, 8, 8, 4), np.uint8)},
            r"images must be .*, found uint8 of shape \(60, 8, 8, 4\)",
        ),
        ({"images.npy": header("(60, 8, 8, 1000000000)")}, r"the header of 'images' names 3,840,000,000,000 bytes"),
        (
            {"images.npy": header("(200, 1000000000, 1000000000, 3)")},
            r"the header of 'images' names 600,000,000,",
        ),
        ({"images.npy": b"\x93NUMPY\x01\x00\x76", "labels.npy": b""}, "not a readable .npz file"),
        ({"images": b"text"}, "'images' is no array; plain arrays in an .npz are allowed"),
        ({"labels": b"text"}, "'labels' is no array; plain arrays in an .npz are allowed"),
        ({"labels": np.full(60, 2**62)}, r"labels must be in 0..99,999, found 4,611,686,018,427,387,904"),
        ({"labels": LABELS * 1.0}, "labels must be whole numbers from 0, found float64"),
        ({"labels": LABELS[:9]}, r"labels must be one number per image, shape \(60,\), found shape \(9,\)"),
        ({"votes": np.zeros((60, 3), int)}, "60 images have no vote at all"),
    ],
)
def test_the_check_says_what_the_download_would_say_of_a_file(mine, members, message):
    """Members by name: arrays, or bytes as they are. What reads votes asks as well."""
    path = mine(LABELS)
    spoiled = {"images": np.zeros((60, 8, 8, 3), np.uint8), "labels": LABELS} | members
    with zipfile.ZipFile("images.npz", "w") as archive:
        for name, content in spoiled.items():
            if f"{name}.npy" in spoiled:
                continue
            if isinstance(content, bytes):
                archive.writestr(name, content)
            else:
                with archive.open(f"{name}.npy", "w") as member:
                    np.save(member, content)
    params = yaml.safe_load(path.read_text())
    params["datasets"]["images"]["sha256"] = hashlib.sha256(Path("images.npz").read_bytes()).hexdigest()
    params["labels"]["people"] = {"source": "human"}
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    with pytest.raises(UserError, match=rf"^{path}: datasets\.images\.path: images\.npz: .*{message}") as caught:
        load(path, own_files, own_votes, own_images.learnable, own_images.oblong)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError) as whole:
        npz.checked(Path("images.npz"))
    if "header" not in message and "readable" not in message:  # the rest is read alike, with the images and without
        assert str(caught.value) == f"{path}: datasets.images.path: {whole.value}"


@pytest.mark.parametrize("network", ["airbench", "mlp", "resnet8"])
def test_images_with_other_rows_than_columns_are_for_networks_that_take_them(mine, network):
    recipe = yaml.safe_load(study_file("own_images").read_text())["recipe"] | {"network": network}
    path = mine([0, 1, 2] * 20, side=(16, 24), recipe=recipe)
    if network == "resnet8":
        study = load(path, own_files, own_images.learnable, own_images.oblong)
        assert own_images.duration(study).startswith("own images of 16 x 24 pixels: training all students takes roughly")
        return
    message = rf"students\.hard\.network: found {network} with images of 16 x 24 pixels; allowed there: images with as many"
    with pytest.raises(UserError, match=message):
        load(path, own_files, own_images.learnable, own_images.oblong)


def test_a_protocol_that_needs_a_test_part_with_votes_is_refused_without(mine):
    path = mine([0, 1, 2] * 20, data={"protocol": "cifar10h"})
    for arrays in ({}, {"test_images": np.zeros((60, 8, 8, 3), np.uint8), "test_labels": LABELS}):
        np.savez("images.npz", images=np.zeros((60, 8, 8, 3), np.uint8), labels=LABELS, **arrays)
        with pytest.raises(UserError, match=r"data\.protocol: 'cifar10h' needs people's votes on the official test images"):
            load(path, own_images.learnable)


def test_one_class_is_too_few(mine):
    with pytest.raises(UserError, match=r"data\.images: 'images' has one class; two or more are needed"):
        load(mine([0] * 60), own_images.learnable)


def test_what_is_learned_has_labels(mine):
    path = mine([0, 1, 2] * 20)
    np.savez("images.npz", images=np.zeros((60, 8, 8), np.uint8))
    with pytest.raises(UserError, match=r"data\.images: the train images of 'images' have no labels; such a set"):
        load(path, own_images.learnable)


def test_more_images_than_there_are_cannot_be_kept(mine):
    path = mine([0, 1, 2] * 20)
    params = yaml.safe_load(path.read_text())
    params["datasets"]["images"]["count"] = 61
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    with pytest.raises(UserError, match=r"datasets\.images\.count: found 61; allowed: at most the 60 images of 'images\.npz'"):
        load(path, own_files, own_images.learnable)


def test_large_images_are_said_to_take_hours_and_what_is_shorter(mine, monkeypatch):
    monkeypatch.setattr(own_images, "_seconds_per_image", lambda network, image: 1e-3 * image[1] * image[2] / 32**2)
    small = own_images.duration(load(mine([0, 1] * 30, side=32)))
    assert small.startswith(
        "own images of 32 x 32 pixels: training all students takes roughly a minute on this machine, 1 at a time"
    )
    assert "shorter" not in small
    # 4 students, 5 runs of 20 epochs, 3,980 images and a third of 10: 400 x 3,983 x 0.1 s
    large = own_images.duration(load(mine([0, 1] * 2000, side=320)))
    assert "of 320 x 320 pixels: training all students takes roughly 44 h on this machine" in large
    assert "shorter: images of 32 x 32 pixels (--size 32), roughly 27 min, or fewer students, runs or epochs" in large


def test_networks_that_tuning_tries_count(mine, monkeypatch):
    monkeypatch.setattr(own_images, "_seconds_per_image", lambda *_: 1e-3)
    monkeypatch.setattr(own_images, "_words", str)
    path = mine([0, 1] * 1000, seeds={"runs": 3})
    params = yaml.safe_load(path.read_text())
    params["labels"]["smooth"]["epsilon"] = [0.1, 0.2]
    params["students"] = {"hard": {"labels": "hard"}, "smooth": {"labels": "smooth"}}
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    each = 20 * (1980 + 10 / 3) * 1e-3  # seconds of one network
    assert f"takes roughly {(4 + 4) * each}" in own_images.duration(load(path))  # 2 values, and 2 initialisations of hard


def test_the_measurement_grows_with_the_operations():
    from softcifar.params.chosen import Chosen

    network = Chosen(name="airbench", options={"width1": 8, "width2": 32, "width3": 128})
    assert own_images._seconds_per_image(network, (3, 32, 32)) > 0
    ratio = own_images._operations(network, (3, 128, 128)) / own_images._operations(network, (3, 32, 32))
    assert 12 < ratio < 20


def test_networks_of_members_are_measured_too():
    from softcifar.params.chosen import Chosen

    options = {"members": 2, "width1": 8, "width2": 16, "width3": 16}
    assert own_images._seconds_per_image(Chosen(name="packed_airbench", options=options), (3, 16, 16)) > 0


def test_what_cannot_be_measured_is_said_and_ends_nothing(mine):
    recipe = yaml.safe_load(study_file("own_images").read_text())["recipe"]
    path = mine([0, 1] * 30, side=16, recipe=recipe | {"network": "spectral_batch_norm"})
    assert own_images.duration(load(path, own_files, own_images.learnable)).startswith(
        "own images of 16 x 16 pixels: how long training takes could not be measured ("
    )


def test_other_studies_say_nothing(write_params):
    assert own_images.duration(load(write_params({}))) == ""
