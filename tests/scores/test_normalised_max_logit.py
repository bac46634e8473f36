"""Normalised logits: golden numbers, what they do not depend on, and the norm that validation chooses."""

import numpy as np
import pytest

from softcifar.errors import UserError
from softcifar.metrics.selective import aurc
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
    centred = LOGITS - LOGITS.mean(axis=-1, keepdims=True)
    expected = -(centred.max(axis=-1) / np.linalg.norm(centred, ord=order, axis=-1)).mean(axis=1)
    np.testing.assert_allclose(normalised_max_logit(LOGITS, order=order), expected)


def test_neither_length_nor_shift_of_the_logits_counts():
    np.testing.assert_allclose(normalised_max_logit(1e100 * LOGITS, order=8), normalised_max_logit(LOGITS, order=8))
    np.testing.assert_allclose(normalised_max_logit(LOGITS + 7), normalised_max_logit(LOGITS))


def test_the_norm_is_the_one_with_the_lowest_aurc():
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(1, 300, 5)) * 2
    labels = (logits[0] + generator.gumbel(size=(300, 5))).argmax(axis=1)
    wrong = logits[0].argmax(axis=1) != labels
    areas = {order: aurc(normalised_max_logit(logits, order=order), wrong) for order in ORDERS}
    assert areas[fit_order(logits, labels)] == min(areas.values())
    assert len(set(areas.values())) > 1
    assert fit_order(logits, logits[0].argmax(axis=1)) == 1  # nothing is wrong: all are equally good


def test_mistakes():
    with pytest.raises(UserError, match=r"order: 0\.5 found"):
        normalised_max_logit(LOGITS, order=0.5)
    with pytest.raises(UserError, match="of one run is allowed"):
        fit_order(LOGITS, np.zeros(50, int))
    with pytest.raises(UserError, match="labels: shape"):
        fit_order(LOGITS[0], np.zeros(5, int))
