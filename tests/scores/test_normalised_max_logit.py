"""Normalised logits: golden numbers, what they do not depend on, and the norm that validation chooses."""

import numpy as np
import pytest
from scipy.special import softmax

from softcifar.errors import UserError
from softcifar.metrics.selective import aurc
from softcifar.scores.max_probability import max_probability
from softcifar.scores.normalised_max_logit import ORDERS, fit_order, normalised_max_logit

LOGITS = np.random.default_rng(0).normal(size=(2, 3, 50, 5)) * 3


def test_golden():
    # 3 0 0 less their mean: 2 -1 -1, of length 4 by p 1 and sqrt 6 by p 2.
    logits = np.array([[[3.0, 0, 0]]])
    assert normalised_max_logit(logits, order=1) == pytest.approx(-0.5)
    assert normalised_max_logit(logits) == pytest.approx(-2 / np.sqrt(6))
    assert normalised_max_logit(np.zeros((1, 1, 3))) == pytest.approx(0)


@pytest.mark.parametrize("order", [1, 2, 3, 8])
def test_it_is_the_largest_over_numpys_norm(order):
    logs = np.log(softmax(LOGITS, axis=-1).mean(axis=1))
    centred = logs - logs.mean(axis=-1, keepdims=True)
    expected = -centred.max(axis=-1) / np.linalg.norm(centred, ord=order, axis=-1)
    np.testing.assert_allclose(normalised_max_logit(LOGITS, order=order), expected)


def test_neither_length_nor_shift_of_the_logits_counts():
    single = LOGITS[:, :1]
    np.testing.assert_allclose(normalised_max_logit(1e100 * single, order=8), normalised_max_logit(single, order=8))
    np.testing.assert_allclose(normalised_max_logit(LOGITS + 7), normalised_max_logit(LOGITS))


def test_the_norm_is_the_one_with_the_lowest_aurc():
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(1, 300, 5)) * 2
    labels = (logits[0] + generator.gumbel(size=(300, 5))).argmax(axis=1)
    logits = logits * generator.uniform(0.1, 5, (1, 300, 1))  # lengths that know nothing, which max probability believes
    wrong = logits[0].argmax(axis=1) != labels
    areas = {order: aurc(normalised_max_logit(logits, order=order), wrong) for order in ORDERS}
    assert areas[fit_order(logits, labels)] == min(areas.values())
    assert len(set(areas.values())) > 1
    assert min(areas.values()) < aurc(max_probability(logits), wrong)


def test_max_probability_stands_where_no_norm_beats_it():
    generator = np.random.default_rng(2)
    length = np.linspace(0.1, 6, 400)[:, None]
    logits = (length * np.array([1.0, 0, 0]))[None]  # only the length differs, and it says how sure to be
    labels = (logits[0] + generator.gumbel(size=(400, 3))).argmax(axis=1)
    assert fit_order(logits, labels) is None
    assert fit_order(logits, np.zeros(400, int)) is None  # nothing is wrong: none is better
    np.testing.assert_array_equal(normalised_max_logit(logits, order=None), max_probability(logits))


def test_of_two_classes_no_norm_orders_anything():
    logits = LOGITS[0, :1, :, :2]
    assert np.ptp(normalised_max_logit(logits, order=3)) < 1e-12
    for seed in range(20):
        assert fit_order(logits, np.random.default_rng(seed).integers(0, 2, 50)) is None


def test_sure_members_that_name_different_classes_are_no_sure_answer():
    apart, agreed = np.array([[[9.0, 0, 0]], [[0, 9.0, 0]]]), np.array([[[9.0, 0, 0]], [[9.0, 0, 0]]])
    assert normalised_max_logit(agreed) == pytest.approx(normalised_max_logit(agreed[:1]))
    assert normalised_max_logit(apart)[0] > normalised_max_logit(agreed)[0] + 0.3


def test_mistakes():
    with pytest.raises(UserError, match=r"order: 0\.5 found"):
        normalised_max_logit(LOGITS, order=0.5)
    with pytest.raises(UserError, match="of one run is allowed"):
        fit_order(LOGITS, np.zeros(50, int))
    with pytest.raises(UserError, match="labels: shape"):
        fit_order(LOGITS[0], np.zeros(5, int))
