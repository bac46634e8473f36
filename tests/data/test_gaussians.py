"""gaussians: the exact label distribution of its points, what the published numbers say of it, and data.protocol repeated."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from softcifar.data.gaussians import CLASSES, GEOMETRY, fetch, posterior, read_data_sets
from softcifar.data.prepare import prepare
from softcifar.data.repeated import prepare_repeated
from softcifar.errors import UserError
from softcifar.files import read_json, read_npz

SPLITS = ("train", "validation", "test")
OTHER = {"dense_spread": 0.3, "sparse_distance": 1.7, "sparse_spread": 1.1, "sparse_share": 0.35, "turn": -25.0}
SIZES = {"train": 4, "validation": 3, "test": 5}  # points per class
ALL = dict.fromkeys(SPLITS)


def corners(distance: float, degrees: float) -> np.ndarray:
    """The corners of a triangle around the origin, the first one at `degrees`."""
    turned = distance * np.exp(1j * np.deg2rad(degrees + np.array([0, 120, 240])))
    return np.stack([turned.real, turned.imag], axis=1)


def drawn(folder: Path, **options) -> dict[str, dict[str, np.ndarray]]:
    folder.mkdir()
    fetch(folder, **options)
    classes, parts = read_data_sets(folder)
    assert classes == CLASSES
    return parts


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> dict[str, np.ndarray]:
    """One data set of 600,000 points."""
    parts = drawn(tmp_path_factory.mktemp("large") / "drawn", data_sets=1, train=1, validation=1, test=200_000)
    return {name: values[0] for name, values in parts["test"].items()}


@pytest.mark.parametrize("geometry", [GEOMETRY, OTHER])
def test_the_posterior_is_bayes_rule(geometry):
    points = np.random.default_rng(0).normal(scale=2, size=(50, 2))
    share = geometry["sparse_share"]
    dense, sparse = corners(1, 90), corners(geometry["sparse_distance"], 90 + geometry["turn"])
    density = np.stack(
        [
            (1 - share) * multivariate_normal(dense[k], geometry["dense_spread"] ** 2).pdf(points)
            + share * multivariate_normal(sparse[k], geometry["sparse_spread"] ** 2).pdf(points)
            for k in range(3)
        ],
        axis=1,
    )
    found = posterior(points, geometry)
    np.testing.assert_allclose(found, density / density.sum(axis=1, keepdims=True), rtol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


def test_the_posterior_of_one_point_and_of_one_far_away():
    assert posterior(np.zeros(2)) == pytest.approx(np.full(3, 1 / 3))
    far = posterior(1e4 * corners(1, 77))
    np.testing.assert_allclose(far.sum(axis=1), 1)


def test_a_turn_by_a_third_goes_to_the_next_class():
    points = np.random.default_rng(1).normal(scale=2, size=(50, 2))
    angle = np.deg2rad(120)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(posterior(points @ turn.T), np.roll(posterior(points), 1, axis=1), atol=1e-12)


def test_the_published_numbers_of_the_bayes_optimal_classifier(large):
    """Maher & Kull 2021: they fix the spreads and the distance of the sparse centres."""
    labels, exact = large["labels"], large["exact"]
    right = exact.argmax(axis=1) == labels
    assert right.mean() == pytest.approx(0.8198, abs=0.003)
    assert -np.log(exact[np.arange(len(labels)), labels]).mean() == pytest.approx(0.4444, abs=0.005)
    assert right[~large["dense"]].mean() == pytest.approx(0.7814, abs=0.005)


def test_labels_follow_the_exact_distribution(large):
    for k in range(3):
        surest = (large["exact"][:, k] * 10).astype(int)
        for tenth in range(10):
            chosen = surest == tenth
            assert (large["labels"][chosen] == k).mean() == pytest.approx(large["exact"][chosen, k].mean(), abs=0.01)


@pytest.mark.parametrize("geometry", [GEOMETRY, OTHER])
def test_every_region_lies_where_the_options_put_it(tmp_path, geometry):
    part = drawn(tmp_path / "drawn", data_sets=2, train=1, validation=1, test=20_000, **geometry)["test"]
    points, labels, dense = (part[name][1] for name in ("points", "labels", "dense"))
    assert dense.mean() == pytest.approx(1 - geometry["sparse_share"], abs=0.01)
    regions = (
        (dense, corners(1, 90), geometry["dense_spread"]),
        (~dense, corners(geometry["sparse_distance"], 90 + geometry["turn"]), geometry["sparse_spread"]),
    )
    for within, centres, spread in regions:
        for k in range(3):
            found = points[within & (labels == k)]
            np.testing.assert_allclose(found.mean(axis=0), centres[k], atol=0.06)
            np.testing.assert_allclose(found.std(axis=0), spread, rtol=0.05)


def test_the_arrays_are_exact_for_the_points_as_they_are_stored(tmp_path):
    parts = drawn(tmp_path / "drawn", data_sets=2, **SIZES, **OTHER)
    for name, part in parts.items():
        count = 3 * SIZES[name]
        assert {key: (values.shape, str(values.dtype)) for key, values in part.items()} == {
            "points": ((2, count, 2), "float32"),
            "labels": ((2, count), "int64"),
            "exact": ((2, count, 3), "float32"),
            "dense": ((2, count), "bool"),
        }
        np.testing.assert_array_equal(part["exact"], posterior(part["points"], OTHER).astype(np.float32))
        # whole rounds, so that what `data.sizes` takes from the front is balanced
        np.testing.assert_array_equal(part["labels"], np.tile([0, 1, 2], (2, SIZES[name])))


def test_the_same_options_give_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        drawn(tmp_path / name, seed=seed, data_sets=2, **SIZES)
    for split in SPLITS:
        one, same, other = ((tmp_path / name / f"{split}.npz").read_bytes() for name in ("one", "same", "other"))
        assert one == same
        assert one != other


def test_a_data_set_depends_on_no_other_and_on_no_other_part(tmp_path):
    two = drawn(tmp_path / "two", data_sets=2, **SIZES)
    more = drawn(tmp_path / "more", data_sets=4, **{**SIZES, "train": 9})
    for split in ("validation", "test"):
        for name, values in two[split].items():
            np.testing.assert_array_equal(values, more[split][name][:2])


def test_all_parts_of_all_data_sets_are_drawn_apart(tmp_path):
    parts = drawn(tmp_path / "drawn", data_sets=3, train=4, validation=4, test=4)
    points = np.concatenate([part["points"].reshape(-1, 2) for part in parts.values()])
    assert len(np.unique(points, axis=0)) == 3 * 3 * 12


# data.protocol: repeated


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("raw")
    drawn(root / "plane", data_sets=3, **SIZES)
    return root


SOURCE_OF = {"plane": "gaussians", "shapes": "shapes"}


def prepared(raw: Path, folder: Path, **changes) -> dict:
    given = {"sources": SOURCE_OF, "images": "plane", "sizes": {"train": None, "validation": 6, "test": 9}}
    return prepare_repeated(raw, folder / "study", folder / "ood", folder / "shifted", **{**given, **changes})


def test_prepare_takes_the_first_points_of_every_data_set(raw, tmp_path):
    manifest = prepared(raw, tmp_path)
    study = tmp_path / "study"
    parts = read_data_sets(raw / "plane")[1]
    counts = {"train": 12, "validation": 6, "test": 9}
    for split in SPLITS:
        arrays = read_npz(study / f"{split}.npz")
        assert arrays.keys() == parts[split].keys()
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, parts[split][name][:, : counts[split]])
        assert manifest["splits"][split]["count"] == counts[split]
        assert manifest["splits"][split]["dense"] == pytest.approx(arrays["dense"].mean(), abs=1e-6)
    inputs = {"classes": ["a", "b", "c"], "features": 2, "data_sets": 3}
    assert read_json(study / "inputs.json") == inputs
    assert read_json(study / "manifest.json") == manifest
    assert inputs.items() <= manifest.items()
    assert (manifest["protocol"], manifest["dataset"], manifest["source"]) == ("repeated", "plane", "gaussians")
    assert {path.name: read_json(path) for path in (tmp_path / "ood").iterdir()} == {"manifest.json": {}}


def test_prepare_gives_the_same_bytes_twice_and_keeps_what_others_put_there(raw, tmp_path):
    prepared(raw, tmp_path)
    first = {path.name: path.read_bytes() for path in (tmp_path / "study").iterdir()}
    (tmp_path / "study/.gitignore").write_text("/train.npz\n")
    prepared(raw, tmp_path)
    second = {path.name: path.read_bytes() for path in (tmp_path / "study").iterdir()}
    assert second.pop(".gitignore") == b"/train.npz\n"
    assert first == second
    assert sorted(first) == ["inputs.json", "manifest.json", "test.npz", "train.npz", "validation.npz"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": "plan"}, "data.images: there is no 'plan'; did you mean 'plane'"),
        ({"images": "shapes"}, "'repeated' needs many small data sets, but 'shapes' has the source shapes; "
                               "allowed sources: gaussians$"),
        ({"sources": {"plane": "gausians"}}, "datasets.plane.source: there is no 'gausians'; did you mean 'gaussians'"),
        ({"sizes": {**ALL, "validation": 10}}, "data.sizes.validation: found 10; allowed: at most the 9 points"),
        ({"sizes": {**ALL, "train": 1}}, "data.sizes.train: data set 0 has no train point of class 'b' among its 1;"),
        ({"sizes": {**ALL, "test": 2}}, "data.sizes.test: data set 0 has no test point of class 'c' among its 2;"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_nothing_is_written(raw, tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as caught:
        prepared(raw, tmp_path, **changes)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "study").glob("*"))
    assert not (tmp_path / "ood").exists()


def test_all_points_may_be_asked_for_by_number(raw, tmp_path):
    assert prepared(raw, tmp_path, sizes={"train": 12, "validation": 9, "test": 15})["splits"]["test"]["count"] == 15


def test_the_data_set_that_lacks_a_class_is_named(raw, tmp_path):
    parts = read_data_sets(raw / "plane")[1]
    parts["test"]["labels"][1] = np.arange(15) % 2
    (tmp_path / "plane").mkdir()
    for split, arrays in parts.items():
        np.savez(tmp_path / "plane" / f"{split}.npz", **arrays)
    with pytest.raises(UserError, match=r"data.sizes.test: data set 1 has no test point of class 'c' among its 15"):
        prepared(tmp_path, tmp_path, sizes=ALL)


def test_protocol_standard_refuses_many_data_sets(raw, tmp_path):
    with pytest.raises(UserError, match=r"data.images: 'plane' \(source gaussians\) holds many data sets; allowed with "):
        prepare(
            raw,
            tmp_path / "study",
            tmp_path / "ood",
            tmp_path / "shifted",
            sources=SOURCE_OF,
            protocol="standard",
            images="plane",
            votes={},
            sizes={"train": None, "validation": 6, "test": None},
            split_seed=0,
            ood_sets=(),
        )
