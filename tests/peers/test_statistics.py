"""Comparisons against scipy, statsmodels and scikit-posthocs."""

import numpy as np
import pytest
from scipy import stats

from softcifar import metrics
from softcifar.metrics.statistics import over_runs
from tests.peers.conftest import peer


def test_paired_tests_and_intervals_are_scipys():
    rng = np.random.default_rng(0)
    for _ in range(500):
        count = int(rng.integers(3, 30))
        a, b = 0.8 + 0.01 * rng.standard_normal(count), 0.8 + 0.02 * rng.standard_normal(count)
        ours, theirs = over_runs(a - b), stats.ttest_rel(a, b)
        assert ours.mean == pytest.approx((a - b).mean())
        assert ours.p_equal() == pytest.approx(theirs.pvalue, rel=1e-9)
        assert ours.p_above() == pytest.approx(stats.ttest_rel(a, b, alternative="greater").pvalue, rel=1e-9)
        np.testing.assert_allclose(ours.interval(), theirs.confidence_interval(0.95), rtol=1e-9)


def test_standard_errors_are_scipys():
    rng = np.random.default_rng(0)
    for _ in range(500):
        values = rng.standard_normal(int(rng.integers(2, 30)))
        assert metrics.mean_and_standard_error(values)[1] == pytest.approx(stats.sem(values), rel=1e-12)


def test_holms_correction_is_statsmodels():
    multipletests = peer("statsmodels.stats.multitest").multipletests
    rng = np.random.default_rng(0)
    for _ in range(20):  # theirs takes half a second
        p_values = rng.random(int(rng.integers(1, 40))) ** rng.choice([1, 3]).astype(float)
        p_values = p_values.round(2) if rng.integers(2) else p_values  # ties, and exactly 0
        np.testing.assert_allclose(metrics.holm(p_values), multipletests(p_values, method="holm")[1], rtol=1e-12)


def tables(count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        values = rng.standard_normal((int(rng.integers(4, 30)), int(rng.integers(3, 12))))
        values += rng.choice([0.0, 0.5]) * np.arange(values.shape[1])
        yield values.round(1) if rng.integers(2) else values


def test_ranks_are_scipys():
    for values in tables(300):
        np.testing.assert_allclose(metrics.ranks(values, higher=False), stats.rankdata(values, axis=1))
        np.testing.assert_allclose(metrics.ranks(values, higher=True), stats.rankdata(-values, axis=1))


def test_friedmans_test_is_scipys_and_the_critical_difference_separates_what_scikit_posthocs_does():
    """Small tables: the distribution of the studentized range takes seconds."""
    posthocs = peer("scikit_posthocs")
    rng = np.random.default_rng(0)
    for count, methods in ((20, 3), (12, 4)):
        values = rng.standard_normal((count, methods)) + 0.6 * np.arange(methods)
        compared = metrics.rank_comparison(values, higher=False)
        assert compared.p_value == pytest.approx(stats.friedmanchisquare(*values.T).pvalue, rel=1e-9)
        differences = np.abs(compared.average_ranks[:, None] - compared.average_ranks)
        theirs = posthocs.posthoc_nemenyi_friedman(values).to_numpy()
        clear = np.abs(theirs - 0.05) > 2e-3  # its range has finite precision
        assert ((differences > compared.critical_difference) == (theirs < 0.05))[clear].all()
