"""GEN: golden numbers, the formula in high precision, and where probabilities round to 1."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from softcifar.scores import LOGIT_SCORES
from softcifar.scores.gen import gen


def test_golden():
    logits = np.log([[[0.5, 0.5], [0.9, 0.1]]])
    assert gen(logits) == pytest.approx([2 * 0.25**0.1, 2 * 0.09**0.1])


def test_it_is_the_papers_sum_also_where_a_probability_rounds_to_one():
    getcontext().prec = 60
    for gap in (1, 10, 40, 60):
        weights = [(Decimal(each)).exp() for each in (gap, 1, 0)]
        probs = [each / sum(weights) for each in weights]
        expected = sum((each * (1 - each)) ** Decimal("0.1") for each in probs)
        assert gen([[[gap, 1, 0]]])[0] == pytest.approx(float(expected), rel=1e-9)


def test_of_many_classes_the_hundred_most_probable_count():
    logits = np.zeros((1, 1, 150))
    logits[..., :100] = 50.0
    assert gen(logits) == pytest.approx(100 * (0.01 * 0.99) ** 0.1)


def test_samples_are_averaged_and_doubt_is_more():
    logits = np.random.default_rng(0).normal(size=(4, 3, 20, 5))
    assert gen(logits).shape == (4, 20)
    mean = np.log(np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).copy()
    np.testing.assert_allclose(gen(logits), gen(np.log(np.exp(mean).mean(axis=1, keepdims=True))))
    assert LOGIT_SCORES["gen"]([[[0.1, 0, 0]]])[0] > LOGIT_SCORES["gen"]([[[8.0, 0, 0]]])[0]
