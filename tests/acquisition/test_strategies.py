"""What each strategy asks for, on numbers that can be worked out by hand."""

import numpy as np
import pytest
from scipy.special import entr
from scipy.stats import multivariate_normal

from softcifar.acquisition import ACQUISITIONS
from softcifar.acquisition.strategy import INPUTS, asks_network, inputs, purchases, scored
from softcifar.errors import UserError
from softcifar.params.acquisition import Strategy
from softcifar.scores.gaussian import oas

# Two members, three images: both sure of the same class; both see a coin; each is sure of another class.
MEMBERS = np.log([[[0.98, 0.02], [0.5, 0.5], [0.98, 0.02]], [[0.98, 0.02], [0.5, 0.5], [0.02, 0.98]]])
COIN = np.log(2)
DISAGREEMENT = COIN - entr([0.98, 0.02]).sum()


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("softmax_entropy", {"logits": MEMBERS[:1]}, [entr([0.98, 0.02]).sum(), COIN, entr([0.98, 0.02]).sum()]),
        ("predictive_entropy", {"member_logits": MEMBERS}, [entr([0.98, 0.02]).sum(), COIN, COIN]),
        ("mutual_information", {"member_logits": MEMBERS}, [0, 0, DISAGREEMENT]),
        ("bald", {"sample_logits": MEMBERS}, [0, 0, DISAGREEMENT]),
    ],
)
def test_scores_of_logits(name, given, expected):
    score, answers = scored(ACQUISITIONS[name], given, {})
    np.testing.assert_allclose(score, expected, atol=1e-12)
    assert answers.tolist() == [1, 1, 1]


def test_a_random_order_depends_on_the_seed_alone():
    one, other = (ACQUISITIONS["random"](1000, seed) for seed in (0, 1))
    assert np.array_equal(one, ACQUISITIONS["random"](1000, 0))
    assert not np.array_equal(one, other)
    assert abs(one.mean() - 0.5) < 0.05


def features(count: int, centre: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, 1, (count, 3)).astype(np.float32)


def test_density_is_the_negative_log_of_the_mixture_of_gaussians():
    labelled = np.concatenate([features(6, 0, 0), features(4, 5, 1)])
    labels, pool = np.repeat([0, 1], [6, 4]), np.concatenate([features(3, 0, 2), features(2, 20, 3)])
    mixture = 0.0
    for number, share in ((0, 0.6), (1, 0.4)):
        own = labelled[labels == number].astype(np.float64)
        covariance, _ = oas(own - own.mean(axis=0))
        mixture = mixture + share * multivariate_normal(own.mean(axis=0), covariance).pdf(pool)
    score = ACQUISITIONS["density"](pool, labelled, labels)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(score[:3], -np.log(mixture)[:3], rtol=1e-6)
    assert score[3:].min() > score[:3].max()  # the images that are like none of the labelled ones are bought first


def test_a_class_of_equal_features_counts_as_a_point():
    labelled = np.concatenate([features(6, 0, 0), np.ones((2, 3), np.float32)])
    labels, pool = np.repeat([0, 1], [6, 2]), features(5, 0, 2)
    assert np.array_equal(
        ACQUISITIONS["density"](pool, labelled, labels), ACQUISITIONS["density"](pool, labelled[:6], labels[:6])
    )
    with pytest.raises(UserError, match="the labelled images of every class have the same features; allowed: two different"):
        ACQUISITIONS["density"](pool, labelled[6:], labels[6:])


def test_a_panel_is_asked_where_density_knows_and_entropy_is_unsure():
    labelled, labels = np.concatenate([features(6, 0, 0), features(6, 5, 1)]), np.repeat([0, 1], 6)
    pool = np.concatenate([labelled[:2], np.full((2, 3), 50, np.float32)])  # two known images, two new ones
    logits = np.log([[[0.5, 0.5], [0.9, 0.1], [0.6, 0.4], [0.9, 0.1]]])
    given = {"logits": logits, "features": pool, "labelled_features": labelled, "labels": labels}
    score, answers = scored(ACQUISITIONS["panel"], given, {"people": 4, "known": 0.5})
    np.testing.assert_allclose(score, ACQUISITIONS["softmax_entropy"](logits))
    assert answers.tolist() == [4, 4, 1, 1]
    # Six answers: four about the known image of which it is least sure, one each about the new ones that follow.
    assert purchases(score, answers, 6) == [(0, 4), (2, 1), (1, 1)]
    assert scored(ACQUISITIONS["panel"], given, {"people": 4, "known": 1.0})[1].tolist() == [4, 4, 4, 4]


def test_equal_scores_are_bought_in_order_and_no_answer_too_many():
    assert purchases(np.zeros(4), np.ones(4, dtype=int), 3) == [(0, 1), (1, 1), (2, 1)]
    assert purchases(np.array([0.1, 0.3, 0.2]), np.full(3, 5), 7) == [(1, 5), (2, 2)]
    assert purchases(np.array([0.1, 0.3]), np.ones(2, dtype=int), 7) == [(1, 1), (0, 1)]


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_strategies_ask_for_inputs_that_there_are_and_their_options_are_checked(name):
    assert inputs(ACQUISITIONS[name]) <= set(INPUTS)
    assert asks_network(ACQUISITIONS[name]) == (name != "random")


def test_an_unknown_strategy_or_option_is_one_sentence():
    from pydantic import TypeAdapter, ValidationError

    kind = TypeAdapter(Strategy)
    assert kind.validate_python("panel").options == {"people": 5, "known": 0.5}
    for found, words in (
        ("densiti", "there is no 'densiti'; did you mean 'density'"),
        ({"name": "panel", "people": 0}, "greater than 0"),
        ({"name": "random", "seed": 1}, "unknown key 'seed'"),
    ):
        with pytest.raises((UserError, ValidationError), match=words):
            kind.validate_python(found)
