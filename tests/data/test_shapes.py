"""shapes, shapes_unseen, digits, noise: the same bytes from the same seed, and labels that follow the stated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softcifar.data import DATA_SOURCES
from softcifar.data.drawing import LUMINANCE, colours, coverage
from softcifar.data.outlines import ANGLES, CLASSES, UNSEEN, class_radii, unseen_radii
from softcifar.data.shapes import second_class


def made(folder, source, **options):
    folder.mkdir()
    DATA_SOURCES[source].fetch(folder, **options)
    return DATA_SOURCES[source].read(folder)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return made(tmp_path_factory.mktemp("shapes") / "raw", "shapes", train=3000, test=500)


@pytest.mark.parametrize("source", ["shapes", "shapes_unseen", "digits", "noise"])
def test_same_options_same_bytes_and_another_seed_other_images(tmp_path, source):
    options = {"shapes": {"train": 40, "test": 20}, "shapes_unseen": {"count": 40}, "noise": {"count": 40}}.get(source, {})
    for folder, seed in (("once", 3), ("again", 3), ("other", 4)):
        made(tmp_path / folder, source, seed=seed, **options)
    files = sorted(path.name for path in (tmp_path / "once").iterdir())
    assert files
    for name in files:
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        assert (tmp_path / "once" / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_shapes_and_dtypes(parts):
    train = parts["train"]
    assert train.images.shape == (3000, 32, 32, 3)
    assert parts["test"].images.shape == (500, 32, 32, 3)
    assert (train.images.dtype, train.labels.dtype, train.votes.dtype, train.exact.dtype) == (
        np.uint8,
        np.int64,
        np.int64,
        np.float64,
    )
    assert train.classes == tuple(CLASSES)
    assert len(np.unique(train.images.reshape(3000, -1), axis=0)) == 3000


def test_more_images_leave_the_first_ones_and_the_other_part_as_they_are(tmp_path, parts):
    fewer = made(tmp_path / "raw", "shapes", train=700, test=500)
    for name in ("images", "labels", "votes", "exact"):
        np.testing.assert_array_equal(getattr(fewer["train"], name), getattr(parts["train"], name)[:700])
        np.testing.assert_array_equal(getattr(fewer["test"], name), getattr(parts["test"], name))


def test_train_and_test_images_differ(parts):
    assert not (parts["train"].images[:500] == parts["test"].images).all(axis=(1, 2, 3)).any()


def test_exact_distribution_is_on_one_class_or_two_neighbours(parts):
    exact = parts["train"].exact
    np.testing.assert_allclose(exact.sum(axis=1), 1, atol=1e-15)
    assert exact.min() >= 0
    possible = exact > 0
    assert set(possible.sum(axis=1)) == {1, 2}
    a, b = np.array([np.flatnonzero(row) for row in possible[possible.sum(axis=1) == 2]]).T
    assert np.isin((b - a) % 10, [1, 9]).all()
    assert (parts["train"].votes[~possible] == 0).all()
    assert possible[np.arange(len(exact)), parts["train"].labels].all()


def test_share_of_ambiguous_images(parts, tmp_path):
    share = (parts["train"].exact.max(axis=1) < 1).mean()
    assert share == pytest.approx(0.35, abs=4 * np.sqrt(0.35 * 0.65 / 3000))
    assert (made(tmp_path / "clear", "shapes", train=50, test=10, ambiguous=0)["train"].exact.max(axis=1) == 1).all()


def test_labels_and_votes_follow_the_exact_distribution(parts):
    train = parts["train"]
    assert (train.votes.sum(axis=1) == 51).all()
    onehot = np.eye(10)[train.labels]
    variance = (train.exact * (1 - train.exact)).sum(axis=0)
    assert np.abs((onehot - train.exact).sum(axis=0) / np.sqrt(variance)).max() < 4
    unsure = (train.exact.max(axis=1) > 0.5) & (train.exact.max(axis=1) < 0.9)
    top = train.exact[unsure].argmax(axis=1)
    drawn = (train.labels[unsure] == top).mean()  # labels are drawn: not always the most probable class
    assert drawn == pytest.approx(train.exact[unsure].max(axis=1).mean(), abs=0.08)
    p, n = train.exact[unsure].max(axis=1), unsure.sum()
    counts = train.votes[unsure][np.arange(n), top]
    z2 = (counts - 51 * p) ** 2 / (51 * p * (1 - p))  # mean 1, variance about 2 for binomial counts
    assert z2.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / n))


def test_classes_are_balanced(parts):
    assert np.bincount(parts["train"].labels).min() > 250
    np.testing.assert_allclose(parts["train"].exact.sum(axis=0), 300, atol=25)


@given(st.floats(0, 1), st.floats(0, 1))
def test_second_class_probability_rises_from_0_to_1(s, t):
    low, high = sorted((s, t))
    assert 0 <= second_class(low) <= second_class(high) + 1e-12 <= 1 + 1e-9
    assert second_class(1 - t) == pytest.approx(1 - second_class(t))
    assert (second_class(0.0), second_class(0.5), second_class(1.0)) == (0, 0.5, 1)


def test_class_outlines_mirror_themselves_so_that_a_flip_keeps_the_class():
    mirror = -np.arange(ANGLES) % ANGLES
    np.testing.assert_allclose(class_radii()[:, mirror], class_radii(), atol=1e-6)
    # two of the unseen outlines do not, which shows that the check can fail
    assert np.abs(unseen_radii()[:, mirror] - unseen_radii()).max() > 0.2


def test_outlines_have_equal_area_and_unseen_ones_are_none_of_the_classes():
    table = np.concatenate([class_radii(), unseen_radii()])
    assert len(table) == len(CLASSES) + len(UNSEEN) == 18
    assert table.min() > 0.1
    np.testing.assert_allclose((table**2).mean(axis=1), 1, rtol=0.01)
    turned = np.stack([np.roll(class_radii(), shift, axis=1) for shift in range(-30, 31, 5)])  # up to 15 degrees
    for novel in unseen_radii():
        assert np.sqrt(((turned - novel) ** 2).mean(axis=2)).min() > 0.08


def test_coverage_is_antialiased_whole_and_of_the_right_area():
    mask = coverage(np.repeat(class_radii(), 20, axis=0), np.random.default_rng(0))
    assert mask.min() == 0
    assert mask.max() == 1
    assert ((mask > 0.05) & (mask < 0.95)).any(axis=(1, 2)).all()
    radius = np.sqrt(mask.sum(axis=(1, 2)) / np.pi)
    assert radius.min() > 7.3
    assert radius.max() < 11.2
    edge = np.concatenate([mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1]], axis=1)
    assert edge.max() < 0.95  # no outline is cut by the border


@given(st.floats(0, 1))
def test_colours_keep_the_contrast(contrast):
    background, foreground = colours(50, contrast, np.random.default_rng(0))
    assert min(background.min(), foreground.min()) >= -1e-12
    assert max(background.max(), foreground.max()) <= 1 + 1e-12
    assert np.abs((background - foreground) @ LUMINANCE).min() >= contrast * 0.76 - 1e-9


def test_novel_sets(tmp_path):
    digits = made(tmp_path / "digits", "digits")["train"]
    assert digits.images.shape == (1797, 32, 32, 3)
    assert np.bincount(digits.labels).min() > 170
    noise = made(tmp_path / "noise", "noise", count=200, side=28)["train"].images
    assert noise.shape == (200, 28, 28, 3)
    assert noise.mean() == pytest.approx(127.5, abs=0.5)
    assert noise.std() == pytest.approx(73.9, abs=0.5)  # sqrt((256^2 - 1) / 12)
    bell = made(tmp_path / "bell", "noise", count=200, distribution="gaussian")["train"].images
    assert bell.std() == pytest.approx(63, abs=2)
    assert made(tmp_path / "unseen", "shapes_unseen", count=16)["train"].labels is None
