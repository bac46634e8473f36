"""Ranks over data sets: golden numbers, scipy, Demsar's tables, properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from softcifar.errors import UserError
from softcifar.metrics import rank_comparison, ranks

quick = settings(max_examples=60, deadline=None, derandomize=True)
tables = st.tuples(st.integers(1, 12), st.integers(2, 7)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 4).map(float))
)


def test_golden_ranks():
    values = [[0.9, 0.7, 0.8], [0.5, 0.5, 0.6]]
    assert ranks(values, higher=True).tolist() == [[1, 3, 2], [2.5, 2.5, 1]]
    assert ranks(values, higher=False).tolist() == [[3, 1, 2], [1.5, 1.5, 3]]


@quick
@given(values=tables, higher=st.booleans())
def test_ranks_are_those_of_scipy(values, higher):
    found = ranks(values, higher=higher)
    np.testing.assert_array_equal(found, stats.rankdata(-values if higher else values, axis=1))
    np.testing.assert_allclose(found.sum(axis=1), values.shape[1] * (values.shape[1] + 1) / 2)


@quick
@given(values=tables.filter(lambda values: values.shape[1] > 2 and len(values) > 1))
def test_friedmans_test_is_that_of_scipy(values):
    found = rank_comparison(values, higher=False)
    if (np.ptp(values, axis=1) == 0).all():
        assert np.isnan(found.p_value)
    else:
        assert found.p_value == pytest.approx(stats.friedmanchisquare(*values.T).pvalue, abs=1e-12)


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])  # Demsar 2006, table 5(a)
def test_critical_difference_has_the_published_constants(methods, q):
    values = np.random.default_rng(0).random((14, methods))
    expected = q * np.sqrt(methods * (methods + 1) / (6 * 14))
    assert rank_comparison(values, higher=True).critical_difference == pytest.approx(expected, rel=5e-4)


def test_a_method_that_always_wins_is_separated():
    values = np.random.default_rng(0).random((40, 5))
    values[:, 2] += 2
    found = rank_comparison(values, higher=True)
    assert found.average_ranks[2] == 1
    assert np.delete(found.average_ranks, 2).min() - 1 > found.critical_difference
    assert found.p_value < 1e-6


@pytest.mark.parametrize("values", [[0.1, 0.2], [[0.1], [0.2]], np.empty((0, 3)), [[0.1, np.nan]]])
def test_what_cannot_be_ranked_is_refused(values):
    with pytest.raises(UserError, match="values"):
        rank_comparison(values, higher=True)
