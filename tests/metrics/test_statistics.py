"""Means with spread, paired comparisons and Holm's correction: golden numbers, scipy, edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from softcifar.metrics import holm, mean_and_standard_error, paired_comparison

quick = settings(max_examples=60, deadline=None, derandomize=True)
values = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


def test_golden_mean_and_standard_error():
    # 1 2 3 6: mean 3, squares 4 + 1 + 0 + 9 = 14, sd sqrt(14 / 3), over sqrt(4): sqrt(14 / 12)
    mean, error = mean_and_standard_error([1, 2, 3, 6])
    assert mean == 3
    assert error == pytest.approx(math.sqrt(14 / 12))


def test_one_value_has_no_spread():
    mean, error = mean_and_standard_error([0.5])
    assert mean == 0.5
    assert math.isnan(error)


def test_what_is_not_defined_for_one_seed_is_not_defined_for_the_mean():
    assert all(map(math.isnan, mean_and_standard_error([0.5, math.nan, 0.7])))
    assert all(map(math.isnan, mean_and_standard_error([0.5, math.inf])))
    difference, interval, p_value = paired_comparison([0.5, math.nan], [0.5, 0.6])
    assert all(map(math.isnan, (difference, *interval, p_value)))
    assert math.isnan(paired_comparison([math.inf, 1], [math.inf, 1]).difference)


def test_golden_paired_comparison():
    # Differences 1 2 3: mean 2, sd 1, t = 2 sqrt(3) = 3.4641 with 2 degrees of freedom.
    # Student's t with 2 degrees: two-sided p = 1 - t / sqrt(2 + t^2) = 1 - sqrt(12 / 14) = .074180
    result = paired_comparison([2, 4, 6], [1, 2, 3])
    assert result.difference == 2
    assert result.p_value == pytest.approx(1 - math.sqrt(12 / 14))
    # Means of 3 picks out of 1 2 3: P(mean = 1) = 1/27 = .037 > .025, so the percentiles are the ends.
    assert result.interval == (1, 3)


def test_pairing_removes_what_the_seeds_share():
    seeds = np.array([0.0, 10, 20, 30, 40])
    a, b = seeds + np.array([1.0, 1.1, 0.9, 1.05, 0.95]), seeds
    assert paired_comparison(a, b).p_value < 1e-4
    assert stats.ttest_ind(a, b).pvalue > 0.9


def test_one_pair_supports_nothing():
    result = paired_comparison([0.9], [0.8])
    assert result.difference == pytest.approx(0.1)
    assert math.isnan(result.p_value)
    assert all(map(math.isnan, result.interval))


def test_equal_differences_are_no_evidence():
    """Accuracies are whole counts of images: three equal differences happen by chance, and would give p = 0."""
    assert paired_comparison([1, 2, 3], [1, 2, 3]) == (0, (0, 0), 1)
    result = paired_comparison([0.91, 0.92, 0.93], [0.90, 0.91, 0.92])
    assert result.difference == pytest.approx(0.01)
    assert math.isnan(result.p_value)


def test_two_pairs_support_nothing():
    result = paired_comparison([0.9, 0.8], [0.8, 0.6])
    assert math.isnan(result.p_value)
    assert result.interval == pytest.approx((0.1, 0.2))


def test_differences_of_any_size():
    tiny = paired_comparison([1e-200, 2e-200, 3e-200], [0, 0, 0])
    assert tiny.p_value == pytest.approx(paired_comparison([1, 2, 3], [0, 0, 0]).p_value)


@quick
@given(values, st.integers(0, 1000))
def test_scipy_agrees(a, seed):
    b = np.random.default_rng(seed).normal(size=len(a))
    result = paired_comparison(a, b)
    if len(a) >= 3:
        assert result.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6)
    assert mean_and_standard_error(a)[1] == pytest.approx(stats.sem(a), rel=1e-9, abs=1e-12)
    low, high = result.interval
    differences = np.subtract(a, b)
    assert differences.min() - 1e-9 <= low <= high <= differences.max() + 1e-9
    assert low - 1e-9 <= result.difference <= high + 1e-9
    # Same input, same interval; and swapping the students changes signs only (the interval up to the resampling).
    np.testing.assert_equal(tuple(paired_comparison(a, b)), tuple(result))
    swapped = paired_comparison(b, a)
    assert swapped.p_value == pytest.approx(result.p_value, nan_ok=True)
    assert swapped.difference == -result.difference


def test_the_interval_is_the_bootstraps():
    rng = np.random.default_rng(3)
    differences = rng.normal(0.3, 1, size=30)
    low, high = paired_comparison(differences, np.zeros(30)).interval
    theirs = stats.bootstrap((differences,), np.mean, method="percentile", n_resamples=10_000, rng=1).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_golden_holm():
    # Sorted .01 .02 .03 .04 times 4 3 2 1: .04 .06 .06 .04, never falling: .04 .06 .06 .06
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.6]), [1, 1])


def test_holm_keeps_what_was_not_tested():
    # NaN is no comparison: two remain, .01 * 2 and .04 * 1.
    np.testing.assert_allclose(holm([0.01, math.nan, 0.04]), [0.02, math.nan, 0.04])
    assert holm([]).shape == (0,)
    assert np.isnan(holm([math.nan])).all()


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=10), st.integers(0, 1000), st.floats(0.001, 0.5))
def test_holm_is_the_step_down_procedure(p_values, seed, level):
    corrected = holm(p_values)
    assert (corrected >= p_values).all()
    assert (corrected <= np.minimum(1, np.multiply(p_values, len(p_values))) + 1e-12).all()  # never above Bonferroni
    order = np.random.default_rng(seed).permutation(len(p_values))
    np.testing.assert_array_equal(holm(np.array(p_values)[order]), corrected[order])
    # Holm's own words: go up the sorted p values, reject while p <= level / (comparisons left), stop at the first miss.
    rejected = np.zeros(len(p_values), bool)
    for left, index in zip(range(len(p_values), 0, -1), np.argsort(p_values, kind="stable"), strict=True):
        if p_values[index] * left > level:
            break
        rejected[index] = True
    np.testing.assert_array_equal(corrected <= level, rejected)
