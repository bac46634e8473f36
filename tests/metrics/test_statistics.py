"""Means with spread, paired comparisons and Holm's correction: golden numbers, scipy, edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from softcifar.metrics import detectable, holm, mean_and_standard_error, over_images, over_runs, runs_needed

quick = settings(max_examples=60, deadline=None, derandomize=True)


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


def test_golden_mean_difference():
    # Differences 1 2 3: mean 2, sd 1, t = 2 sqrt(3) = 3.4641 with 2 degrees of freedom.
    # Student's t with 2 degrees: two-sided p = 1 - t / sqrt(2 + t^2) = 1 - sqrt(12 / 14) = .074180
    found = over_runs([1, 2, 3])
    assert (found.mean, found.freedom, found.count) == (2, 2, 3)
    assert found.error == pytest.approx(1 / math.sqrt(3))
    assert found.p_equal() == pytest.approx(1 - math.sqrt(12 / 14))
    assert found.p_above() == pytest.approx((1 - math.sqrt(12 / 14)) / 2)
    assert found.interval() == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)))


@pytest.mark.parametrize("values", [[], [0.1], [0.1, 0.2], [0.01, 0.01, 0.01], [0, 0, 0]])
def test_too_few_pairs_or_equal_differences_are_no_evidence(values):
    """Accuracies are whole counts of images: three equal differences happen by chance, and would give p = 0."""
    found = over_runs(values)
    assert math.isnan(found.error)
    assert all(map(math.isnan, (*found.interval(), found.p_above(), found.p_equal(), detectable(found))))
    assert found.mean == (pytest.approx(np.mean(values)) if values else pytest.approx(math.nan, nan_ok=True))


def test_a_value_that_is_not_finite_leaves_no_mean():
    assert math.isnan(over_runs([0.5, math.nan, 0.6, 0.7]).mean)
    assert math.isnan(over_runs([math.inf, 1, 2]).error)


@pytest.mark.parametrize("images", [1000, 10_000, 26_032])
def test_differences_of_one_image_are_equal_but_for_rounding(images):
    """100 a / n - 100 b / n differs in its last digits from run to run."""
    right = np.random.default_rng(images).integers(images // 2, images, 300)
    points = 100 * (right / images) - 100 * ((right - 1) / images)
    assert all(math.isnan(over_runs(three).error) for three in points.reshape(-1, 3))


@quick
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=8), st.floats(-1, 1), st.floats(0.01, 0.2))
def test_scipy_agrees(values, bound, level):
    found = over_runs(values)
    if np.ptp(values) > 1e-9 * np.abs(values).max():
        test = stats.ttest_1samp(values, bound, alternative="greater")
        assert found.p_above(bound) == pytest.approx(test.pvalue, rel=1e-5, abs=1e-12)
        interval = stats.ttest_1samp(values, 0).confidence_interval(1 - level)
        assert found.interval(level) == pytest.approx((interval.low, interval.high), rel=1e-5, abs=1e-9)
        assert mean_and_standard_error(values)[1] == pytest.approx(found.error, rel=1e-9, abs=1e-12)


def test_splits_that_differ_stay_out_of_the_spread_over_runs():
    # Two splits with means 0 and 10: within them 1 -1 and 11 9, so squares 4, 2 degrees of freedom, 4 runs: error sqrt(2 / 4).
    found = over_runs([1, 11, -1, 9], [0, 1, 0, 1])
    assert (found.mean, found.freedom) == (5, 2)
    assert found.error == pytest.approx(math.sqrt(0.5))
    assert over_runs([1, 11, -1, 9]).error > 2
    assert over_runs([1, 11, 21], [0, 1, 2]) == over_runs([1, 11, 21])  # one run each: nothing within
    assert over_runs([1, 11, -1], [0, 1, 0]) == over_runs([1, 11, -1])  # not equally many


def test_other_images_take_the_spread_between_splits():
    # Means of the splits 0 1 2, sd 1, over sqrt(3).
    found = over_images([0.5, 1, 2, -0.5, 1, 2], [0, 1, 2, 0, 1, 2])
    assert (found.mean, found.freedom) == (1, 2)
    assert found.error == pytest.approx(math.sqrt(1 / 3))
    assert math.isnan(over_images([1, 2, 3, 4], [0, 1, 0, 1]).error)


@pytest.mark.parametrize(("count", "level"), [(3, 0.01), (5, 0.01), (10, 0.002), (100, 0.025)])
def test_what_is_detectable_is_found_four_times_in_five(count, level):
    found = over_runs(np.random.default_rng(count).normal(size=count))
    distance = detectable(found, level)
    assert stats.nct.sf(stats.t.isf(level, count - 1), count - 1, distance / found.error) == pytest.approx(0.8, abs=1e-5)


@quick
@given(st.integers(0, 1000), st.floats(0.2, 3), st.sampled_from([0.025, 0.01, 0.001]), st.sampled_from([1, 5]))
def test_so_many_runs_find_it_and_fewer_do_not(seed, distance, level, splits):
    values = np.random.default_rng(seed).normal(size=10)
    found = over_runs(values)
    runs = runs_needed(found, distance, level, splits=splits)
    spread = values.std(ddof=1)

    def power(count):
        freedom = count - (splits if count > splits else 1)
        if freedom < 2:
            return 0.0
        return stats.nct.sf(stats.t.isf(level, freedom), freedom, distance * math.sqrt(count) / spread)

    assert runs % splits == 0
    assert power(runs) >= 0.8 - 1e-6
    assert runs - splits < 3 or power(runs - splits) < 0.8


def test_no_distance_takes_for_ever():
    found = over_runs([1, 2, 3])
    assert runs_needed(found, 0.0) == math.inf
    assert math.isnan(runs_needed(over_runs([1, 2]), 1.0))


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
