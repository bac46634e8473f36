"""The first votes of every image, and people's doubt without their corrections."""

import numpy as np
from scipy.stats import chisquare, multivariate_hypergeom

from softcifar.labels import elicited, hard, human, human_kept, human_sampled, human_where_elicited, majority, majority_sampled
from softcifar.labels.sampled import first_votes, labelled

VOTES = np.random.default_rng(0).multinomial(51, np.random.default_rng(1).dirichlet(np.ones(4), size=200))


def test_more_votes_are_the_same_votes_and_further_ones():
    """Each count adds exactly one vote, of those that the image has; in the end it has them all."""
    before = np.zeros_like(VOTES)
    for count in range(1, 52):
        drawn = first_votes(VOTES.astype(float), count, seed=3)
        added = drawn - before
        assert (added.sum(axis=1) == 1).all()
        assert (added >= 0).all()
        assert (drawn <= VOTES).all()
        before = drawn
    np.testing.assert_array_equal(before, VOTES)


def test_an_image_with_fewer_votes_has_all_of_them():
    votes = np.array([[2.0, 0, 1], [30, 20, 1]])
    np.testing.assert_array_equal(first_votes(votes, 10, seed=0)[0], votes[0])
    assert first_votes(votes, 10, seed=0)[1].sum() == 10
    np.testing.assert_array_equal(human_sampled(votes, votes_per_image=1000), human(votes))
    np.testing.assert_array_equal(majority_sampled(votes, votes_per_image=1000), majority(votes))


def test_votes_are_drawn_without_replacement():
    """20,000 images of 4, 2 and 1 votes, three drawn: as often as the multivariate hypergeometric distribution says."""
    counts = np.array([4, 2, 1])
    drawn = first_votes(np.tile(counts, (20_000, 1)).astype(float), 3, seed=0)
    found, times = np.unique(drawn, axis=0, return_counts=True)
    expected = np.array([multivariate_hypergeom.pmf(each, counts, 3) for each in found.astype(int)])
    assert expected.sum() > 1 - 1e-9  # every outcome that is possible was seen
    assert chisquare(times, 20_000 * expected).pvalue > 0.01


def test_the_seed_draws_the_order_and_nothing_else_does():
    again = human_sampled(VOTES, votes_per_image=3)
    np.testing.assert_array_equal(again, human_sampled(VOTES, votes_per_image=3, seed=0))
    assert (again != human_sampled(VOTES, votes_per_image=3, seed=1)).any()


def test_the_majority_is_of_the_same_votes():
    for count in (1, 2, 3, 10):
        shares = human_sampled(VOTES, votes_per_image=count, seed=5)
        np.testing.assert_array_equal(
            majority_sampled(VOTES, votes_per_image=count, seed=5).argmax(axis=1), shares.argmax(axis=1)
        )
    one = human_sampled(VOTES, votes_per_image=1, seed=5)
    np.testing.assert_array_equal(one, majority_sampled(VOTES, votes_per_image=1, seed=5))
    assert set(np.unique(one)) == {0.0, 1.0}


def test_a_tie_of_few_votes_goes_to_the_lowest_class():
    votes = np.tile([0, 1, 1], (50, 1))
    np.testing.assert_array_equal(majority_sampled(votes, votes_per_image=2), np.tile([0, 1, 0], (50, 1)))


def test_kept_labels_by_hand():
    votes = np.array([[5, 3, 2], [5, 3, 2], [5, 3, 2], [4, 4, 2], [4, 4, 2], [1, 4, 5]])
    kept = human_kept(np.array([0, 1, 2, 1, 2, 0]), votes)
    expected = [[5, 3, 2], [3, 5, 2], [2, 3, 5], [4, 4, 2], [2, 4, 4], [5, 4, 1]]
    np.testing.assert_allclose(kept, np.array(expected) / 10)


def test_kept_labels_have_the_votes_shares_and_correct_nothing():
    labels = np.random.default_rng(2).integers(4, size=200)
    kept = human_kept(labels, VOTES)
    np.testing.assert_allclose(np.sort(kept, axis=1), np.sort(human(VOTES), axis=1))
    np.testing.assert_array_equal(kept[np.arange(200), labels], kept.max(axis=1))
    agreed = majority(VOTES).argmax(axis=1)
    np.testing.assert_allclose(human_kept(agreed, VOTES), human(VOTES))
    certain = np.eye(4)[labels] * 51
    np.testing.assert_array_equal(human_kept((labels + 1) % 4, certain), hard((labels + 1) % 4, 4))


def test_a_share_of_the_images_has_its_labels_and_all_others_have_none():
    for source in (human_sampled, majority_sampled):
        whole = source(VOTES, votes_per_image=10, seed=4)
        some = source(VOTES, votes_per_image=10, share_of_images=0.1, seed=4)
        has = some.any(axis=1)
        assert has.sum() == 20
        np.testing.assert_array_equal(some[has], whole[has])
        np.testing.assert_array_equal(source(VOTES, votes_per_image=10, share_of_images=1.0, seed=4), whole)


def test_a_larger_share_has_the_images_of_a_smaller_one_whatever_the_source_and_number_of_votes():
    before = np.zeros(200, dtype=bool)
    for share in (0.01, 0.1, 1 / 3, 0.5, 1.0):
        has = labelled(200, share, seed=2)
        assert has.sum() == round(200 * share)
        assert (has >= before).all()
        for source, count in ((human_sampled, 1), (human_sampled, 10), (majority_sampled, 3)):
            labels = source(VOTES, votes_per_image=count, share_of_images=share, seed=2)
            np.testing.assert_array_equal(labels.any(axis=1), has)
        before = has
    assert (labelled(200, 0.1, seed=3) != labelled(200, 0.1, seed=2)).any()
    assert labelled(200, 0.001, seed=2).sum() == 1  # never nobody


def test_every_image_is_as_likely_to_be_labelled():
    times = sum(labelled(20, 0.25, seed).astype(int) for seed in range(2000))
    assert chisquare(times).pvalue > 0.001
    assert times.sum() == 5 * 2000


def test_soft_labels_of_single_people_where_there_are_some():
    labels, votes = np.array([0, 1, 2]), np.array([[3, 1, 0], [0, 4, 0], [1, 1, 2]])
    soft = np.array([[0.2, 0.7, 0.1], [0, 0, 0], [0, 0, 1 + 5e-7]])
    np.testing.assert_allclose(elicited(labels, soft), [[0.2, 0.7, 0.1], [0, 1, 0], [0, 0, 1]], rtol=1e-12)
    np.testing.assert_allclose(human_where_elicited(labels, votes, soft), [[0.75, 0.25, 0], [0, 1, 0], [0.25, 0.25, 0.5]])
    nobody = np.zeros((3, 3))
    np.testing.assert_array_equal(elicited(labels, nobody), hard(labels, 3))
    np.testing.assert_array_equal(human_where_elicited(labels, votes, nobody), hard(labels, 3))
