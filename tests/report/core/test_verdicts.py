"""Verdicts follow from the intervals by rule, and too little evidence decides nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from softcifar.errors import UserError
from softcifar.report.core.verdicts import best, difference, t_interval

quick = settings(max_examples=60, deadline=None, derandomize=True)

GAIN = [0.9, 1.0, 1.2, 1.1]  # 95 % t interval of these differences: 1.05 +- 3.1824 * .12910 / 2 = .845 to 1.255
NOTHING = [0.0, 0.0, 0.0, 0.0]


def compare(a, b=NOTHING, **how):
    return difference("B1", "A is better than B.", "a against b", "accuracy, points", a, b, **{"higher": True} | how)


def test_effect_interval_and_n_of_a_worked_example():
    found = compare(GAIN)
    assert found.effect == pytest.approx(1.05)
    assert (found.low, found.high) == pytest.approx((0.8446, 1.2554), abs=1e-4)
    assert (found.n, found.unit, found.verdict) == (4, "runs", "supported")


@quick
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_the_interval_is_scipys(seed, count):
    values = np.random.default_rng(seed).normal(0.3, 1, count)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert t_interval(values) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("a", "higher", "margin", "verdict"),
    [
        (GAIN, True, 0, "supported"),
        (GAIN, False, 0, "contradicted"),
        ([-1, 1, 0.2, 0.1], True, 0, "undecided"),
        ([-0.2, -0.1, -0.2, -0.1], True, 0, "contradicted"),  # a little worse for sure ...
        ([-0.2, -0.1, -0.2, -0.1], True, 0.5, "supported"),  # ... but within the margin
        ([0.2, 0.1, 0.2, 0.1], False, 0.5, "supported"),
        (GAIN, False, 0.5, "contradicted"),
        ([-0.2, -1.1, -0.2, -0.1], True, 0.5, "undecided"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(a, higher, margin, verdict):
    assert compare(a, higher=higher, margin=margin).verdict == verdict


@pytest.mark.parametrize("higher", [True, False])
@quick
@given(seed=st.integers(0, 10_000))
def test_swapping_the_two_turns_the_verdict(higher, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 1, (2, 5)) + rng.normal(0, 1, (2, 1))
    turned = {"supported": "contradicted", "contradicted": "supported", "undecided": "undecided"}
    assert compare(b, a, higher=higher).verdict == turned[compare(a, b, higher=higher).verdict]


def test_two_runs_decide_nothing_and_say_so():
    found = compare([5.0, 5.1], [0.0, 0.0])
    assert (found.verdict, found.n) == ("undecided", 2)
    assert math.isnan(found.low)
    assert "2 paired runs" in found.reason


def test_equal_differences_decide_nothing():
    assert compare([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]).verdict == "undecided"


def test_pairs_without_a_value_are_left_out():
    found = compare([*GAIN, math.nan, 3.0], [*NOTHING, 0.0, math.inf])
    assert (found.n, found.effect) == (4, pytest.approx(1.05))
    nothing = compare([math.nan], [1.0])
    assert (nothing.n, nothing.verdict) == (0, "undecided")


def rank(a, **rivals):
    return best("B2", "A is best.", "a", "NLL", a, rivals, higher=False)


def test_best_of_all_needs_every_rival_beaten():
    ours, behind, beside = [1.0, 1.1, 1.2, 1.0], [2.0, 2.2, 2.1, 2.0], [1.1, 1.0, 1.3, 0.9]
    assert rank(ours, behind=behind).verdict == "supported"
    found = rank(ours, behind=behind, beside=beside)
    assert found.verdict == "undecided"
    assert found.compared.endswith(": beside")
    assert "beside" in found.reason
    assert "behind" not in found.reason
    assert found.effect == pytest.approx(np.mean(ours) - np.mean(beside))


def test_best_of_all_is_contradicted_by_one_better_rival():
    found = rank([2.0, 2.2, 2.1, 2.0], better=[1.0, 1.1, 1.2, 1.0], worse=[3.0, 3.1, 3.3, 3.0])
    assert found.verdict == "contradicted"
    assert "better" in found.reason


def test_a_rival_that_is_better_by_one_test_of_many_is_no_contradiction():
    """An interval at .05 that misses 0 by little is expected among twenty rivals; Bonferroni asks for .0025."""
    rng = np.random.default_rng(0)
    ours = np.zeros(4)
    near = [-0.4, -1.0, -0.6, -0.4]
    assert rank(ours, near=near).verdict == "contradicted"
    others = {f"rival{number}": rng.normal(0, 1, 4) for number in range(19)}
    assert rank(ours, near=near, **others).verdict == "undecided"


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="paired by place"):
        compare([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(UserError, match="margin: found -1"):
        compare(GAIN, margin=-1)
    with pytest.raises(UserError, match="no rivals"):
        rank(GAIN)
