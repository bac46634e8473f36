"""Pool, start set and what annotators say."""

import numpy as np
import pytest

from softcifar.acquisition.pool import ambiguous_images, answers_of, pool_of, start_set
from softcifar.errors import UserError
from tests.acquisition.helpers import arrays


def pool(found, kind="dirty", clean=None, seed=0):
    return pool_of("a", found, 2, kind=kind, clean=clean, seed=seed)


def test_a_clean_pool_has_no_ambiguous_image_and_a_dirty_one_all():
    found = arrays(40, 0, ambiguous=16)
    assert pool(found, "clean").rows.tolist() == list(range(24))
    dirty = pool(found)
    assert dirty.rows.tolist() == list(range(40))
    assert dirty.ambiguous.sum() == 16
    assert np.allclose(dirty.shares[-1], [0.25, 0.75])
    assert np.array_equal(dirty.shares[:24], np.eye(2)[dirty.labels[:24]])


def test_so_many_clean_images_are_drawn_by_the_seed():
    found = arrays(40, 0, ambiguous=16)
    one = pool(found, clean=6)
    assert (~one.ambiguous).sum() == 6
    assert one.ambiguous.sum() == 16
    assert np.array_equal(one.rows, pool(found, clean=6).rows)
    assert not np.array_equal(one.rows, pool(found, clean=6, seed=1).rows)
    assert len(pool(found, "clean", clean=6).rows) == 6


def test_without_flags_the_exact_distribution_says_what_is_ambiguous():
    exact = np.array([[1, 0], [0.6, 0.4], [0, 1]])
    found = {"labels": np.array([0, 1, 1]), "exact": exact, "votes": np.array([[5, 0], [5, 0], [0, 5]])}
    assert ambiguous_images(found).tolist() == [False, True, False]
    assert not ambiguous_images({"labels": found["labels"], "votes": found["votes"]}).any()
    assert np.allclose(pool(found).shares, exact)  # rather than the votes


@pytest.mark.parametrize(
    ("changes", "asked", "words"),
    [
        ({"ambiguous": None}, {}, "a.pool: found dirty, but no training image is known to be ambiguous; allowed: clean, or"),
        (
            {"votes": None},
            {},
            "a.pool: found dirty, but 16 ambiguous images have neither votes nor an exact label distribution",
        ),
        ({}, {"clean": 25}, "a.clean: found 25; allowed: at most 24, the training images that are not ambiguous"),
    ],
)
def test_what_does_not_fit_is_one_sentence(changes, asked, words):
    found = {key: value for key, value in (arrays(40, 0, ambiguous=16) | changes).items() if value is not None}
    with pytest.raises(UserError, match=words) as error:
        pool(found, **asked)
    assert "\n" not in str(error.value)
    if "votes" in changes:
        assert len(pool(found, "clean").rows) == 24  # whose labels nobody has to draw


def test_one_ambiguous_image_without_votes_is_enough_to_refuse():
    found = arrays(40, 0, ambiguous=16)
    found["votes"][30] = 0
    with pytest.raises(UserError, match="1 ambiguous images have neither votes nor"):
        pool(found)
    found["votes"][30] = 1
    found["votes"][3] = 0  # an unambiguous one: its label is the data set's
    assert np.array_equal(pool(found).shares[3], np.eye(2)[1])


def test_a_start_set_has_so_many_clean_images_of_every_class():
    there = pool(arrays(40, 0, ambiguous=16))
    chosen = start_set("a", there, ["dark", "light"], 3, 0)
    assert np.bincount(there.labels[chosen]).tolist() == [3, 3]
    assert not there.ambiguous[chosen].any()
    assert np.array_equal(chosen, start_set("a", there, ["dark", "light"], 3, 0))
    assert not np.array_equal(chosen, start_set("a", there, ["dark", "light"], 3, 1))


def test_a_start_set_without_a_class_is_one_sentence():
    found = arrays(40, 0, ambiguous=16)
    found["labels"][:24] = 0
    with pytest.raises(
        UserError, match=r"a\.start: found 2, but the pool has 0 unambiguous images of class 'light'; allowed: at most"
    ):
        start_set("a", pool(found), ["dark", "light"], 2, 0)


def test_answers_follow_the_shares_and_the_first_do_not_depend_on_how_many_are_asked():
    shares = np.array([0.5, 0.3, 0.2])
    said = np.array([answers_of(shares, 1, seed)[0] for seed in range(6000)])
    assert np.abs(np.bincount(said, minlength=3) / 6000 - shares).max() < 0.02  # three standard errors
    several = np.array([answers_of(shares, 4, seed) for seed in range(6000)])
    assert np.array_equal(several[:, 0], said)
    assert np.abs(np.bincount(several.ravel(), minlength=3) / 24000 - shares).max() < 0.01
    alike = (several[:, 0] == several[:, 1]).mean()
    assert abs(alike - (shares**2).sum()) < 0.02  # people answer independently
