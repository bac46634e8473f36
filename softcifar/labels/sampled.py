"""The first few votes of every image, or of a share of the images: what is one more annotation worth?"""

import numpy as np

from softcifar.labels.source import on_arrays
from softcifar.params.options import require
from softcifar.params.ranges import NonNegativeInt, PositiveFraction, PositiveInt
from softcifar.seeding import derive


def first_votes(votes: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The first `count` votes of every image in one random order of its votes; all of them where it has no more.

    votes (N, K) whole counts; count >= 1; seed >= 0: draws the order, so that the first three votes of an image are its first
    one and two more, and each count by itself is a draw without replacement (multivariate hypergeometric). Returns float64
    counts (N, K). The draw depends on `votes` and `seed` alone; every run of a student on the same images learns from it.
    UserError for counts that are not whole or an option out of range.
    """
    require(bool((votes == np.floor(votes)).all()), "votes", "shares of votes", "whole counts, of which some can be drawn")
    require(count >= 1, "votes_per_image", count, "at least 1")
    require(seed >= 0, "seed", seed, "at least 0")
    images, classes = votes.shape
    counts = votes.astype(np.int64)
    each = counts.sum(axis=1)
    of_image = np.repeat(np.arange(images), each)
    vote = np.repeat(np.tile(np.arange(classes), images), counts.ravel())
    order = np.lexsort((np.random.default_rng(derive(seed, "votes")).random(len(vote)), of_image))
    rank = np.arange(len(vote)) - np.repeat(each.cumsum() - each, each)  # place of a vote in the order of its image
    kept = order[rank < count]
    cells = of_image[kept] * classes + vote[kept]
    return np.bincount(cells, minlength=images * classes).reshape(images, classes).astype(np.float64)


def labelled(images: int, share: float, seed: int) -> np.ndarray:
    """Which of so many images are labelled, bool (images,): the first share * images of them, rounded and at least one, in one
    random order.

    share in (0, 1]; seed >= 0: draws the order, so that a larger share has all images of a smaller one, and others. The draw
    has nothing to do with that of votes: an image has the same votes in every share. UserError for an option out of range.
    """
    require(0 < share <= 1, "share_of_images", share, "above 0 and at most 1")
    require(seed >= 0, "seed", seed, "at least 0")
    order = np.random.default_rng(derive(seed, "images")).permutation(images)
    found = np.zeros(images, dtype=bool)
    found[order[: max(1, round(share * images))]] = True
    return found


@on_arrays
def human_sampled(
    votes, *, votes_per_image: PositiveInt = 1, share_of_images: PositiveFraction = 1.0, seed: NonNegativeInt = 0
):
    """`human` from so many votes of every image, drawn without replacement (see `first_votes`); all where it has fewer.

    votes (N, K) counts, each row with at least one vote; returns (N, K). One vote gives one-hot labels. share_of_images in
    (0, 1]: only so many of the images are labelled (see `labelled`); the rows of all others are zeros, which is no label. A
    student of such labels needs the augmentation `labelled_only`.
    """
    drawn = first_votes(votes, votes_per_image, seed)
    return _only(drawn / drawn.sum(axis=1, keepdims=True), share_of_images, seed)


@on_arrays
def majority_sampled(
    votes, *, votes_per_image: PositiveInt = 1, share_of_images: PositiveFraction = 1.0, seed: NonNegativeInt = 0
):
    """`majority` of so many votes of every image, the same ones that `human_sampled` of this seed has.

    Ties go to the lowest class number, as those of `majority` do; they are common among few votes. votes (N, K) counts, each
    row with at least one vote; returns (N, K). share_of_images: as in `human_sampled`, of which the same images are labelled.
    """
    probs = np.eye(votes.shape[1])[first_votes(votes, votes_per_image, seed).argmax(axis=1)]
    return _only(probs, share_of_images, seed)


def _only(probs: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Probabilities (N, K), zeros in the rows of images that are not labelled."""
    return np.where(labelled(len(probs), share, seed)[:, None], probs, 0.0)
