"""A user's own images, before anything runs: can they be split by class, and how long will training take."""

import hashlib
import time

import numpy as np
import pytest
import yaml

from softcifar.errors import UserError
from softcifar.params.study import load
from softcifar.pipeline import own_images
from stages.plan import own_files
from tests.conftest import study_file


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """mine(labels, sizes=..., side=..., **changes): params.yaml of studies/own_images with a file of such labels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOFTCIFAR_MIRROR", raising=False)

    def make(labels, sizes=(None, 10, 10), side=8, classes=None, **changes):
        labels = np.asarray(labels)
        arrays = {"images": np.zeros((len(labels), side, side, 3), np.uint8), "labels": labels}
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
    name = "'fox'" if classes else "2"
    with pytest.raises(UserError, match=rf"data\.images: 'images' has 1 image of the class {name}, too few for") as caught:
        load(path, own_files, own_images.splittable)
    assert "\n" not in str(caught.value)
    assert "least populated" not in str(caught.value)


def test_so_is_one_that_is_too_small_to_be_in_every_part(mine):
    with pytest.raises(UserError, match=r"has 2 images of the class 2, too few for training, validation and test"):
        load(mine([0] * 30 + [1] * 30 + [2] * 2, sizes=(None, 15, 25)), own_images.splittable)


def test_sizes_that_do_not_fit_are_named_before_anything_runs(mine):
    with pytest.raises(UserError, match=r"data\.sizes: .* is more than the 60 images of the train part"):
        load(mine([0, 1] * 30, sizes=(None, 40, 40)), own_images.splittable)


def test_what_can_be_split_is_not_refused(mine):
    load(mine([0, 1, 2] * 20), own_files, own_images.splittable)


def test_the_shape_is_read_from_the_header_alone(tmp_path):
    np.savez_compressed(tmp_path / "large.npz", images=np.zeros((20_000, 64, 48, 3), np.uint8))
    started = time.perf_counter()
    assert own_images.shape(tmp_path / "large.npz") == (20_000, 64, 48, 3)
    assert time.perf_counter() - started < 0.5
    assert own_images.shape(tmp_path / "none.npz") is None


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


def test_other_studies_say_nothing(write_params):
    assert own_images.duration(load(write_params({}))) == ""
