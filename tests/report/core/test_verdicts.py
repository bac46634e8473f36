"""Verdicts follow from paired tests by rule, and too little evidence decides nothing. Error rates: tests/verdicts."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from softcifar import metrics
from softcifar.errors import UserError
from softcifar.report.core import judged
from softcifar.report.core.design import Design
from softcifar.report.core.verdicts import FIND, SHOW_SMALL, SIDED, Check, NowhereBest, judge

quick = settings(max_examples=60, deadline=None, derandomize=True)

GAIN = [0.9, 1.0, 1.2, 1.1]  # t interval: 1.05 +- 3.1824 * .12910 / 2 = .845 to 1.255
ONE, MANY, DRAWN = Design(), Design("runs", 3), Design("data sets", None)
THESE = " on these images"


def check(*rivals, claim="B1", **how):
    against = {f"rival{number}": pd.Series(values, dtype=float) for number, values in enumerate(rivals)}
    return Check(claim, "A is better.", "a against b", "accuracy, points", against=against, **{"higher": True} | how)


def verdict(*rivals, design=ONE, **how):
    return judge([check(*rivals, **how)], design)[0].verdict


def test_effect_interval_and_n_of_a_worked_example():
    (found,) = judge([check(GAIN)], ONE)
    assert found.effect == pytest.approx(1.05)
    assert (found.low, found.high) == pytest.approx((0.8446, 1.2554), abs=1e-4)
    assert (found.n, found.unit, found.verdict) == (4, "runs", "supported on these images")
    assert math.isnan(found.images_low)


@pytest.mark.parametrize(
    ("a", "higher", "margin", "expected"),
    [
        (GAIN, True, 0, "supported"),
        (GAIN, False, 0, "contradicted"),
        ([-1, 1, 0.2, 0.1], True, 0, "undecided"),
        ([-0.2, -0.19, -0.2, -0.21], True, 0, "contradicted"),  # a little worse for sure ...
        ([-0.2, -0.19, -0.2, -0.21], True, 0.5, "supported"),  # ... but within the margin
        ([0.2, 0.1, 0.2, 0.1], False, 0.5, "supported"),
        (GAIN, False, 0.5, "contradicted"),
        ([-0.2, -1.1, -0.2, -0.1], True, 0.5, "undecided"),
    ],
)
def test_the_verdict_is_where_the_evidence_lies(a, higher, margin, expected):
    assert verdict(a, higher=higher, margin=margin, design=DRAWN) == expected


@pytest.mark.parametrize("higher", [True, False])
@quick
@given(seed=st.integers(0, 10_000))
def test_swapping_the_two_turns_the_verdict(higher, seed):
    values = np.random.default_rng(seed).normal(0.8, 1, 5)
    turned = {"supported": "contradicted", "contradicted": "supported", "undecided": "undecided"}
    assert verdict(-values, higher=higher, design=DRAWN) == turned[verdict(values, higher=higher, design=DRAWN)]


@quick
@given(seed=st.integers(0, 10_000), count=st.integers(3, 20))
def test_evidence_is_scipys_one_sided_p(seed, count):
    values = np.random.default_rng(seed).normal(0.3, 1, count)
    for_claim, against = check(values, margin=0.1).evidence(ONE.these)
    assert for_claim == pytest.approx(stats.ttest_1samp(values, -0.1, alternative="greater").pvalue)
    assert against == pytest.approx(1 - for_claim)


def test_an_interval_that_leaves_out_0_need_not_decide():
    """One-sided p of about .02: the level is lower, so that skewed runs err in 2.5 % of the cases at most."""
    values = [1.0, 1.9, 1.4]
    (found,) = judge([check(values)], ONE)
    assert found.low > 0
    assert SIDED < metrics.over_runs(values).p_above() < 0.025
    assert found.verdict == "undecided"


def test_rows_of_one_claim_are_corrected_together():
    values = [1.0, 1.6, 0.9, 1.7]
    p = metrics.over_runs(values).p_above()
    assert SIDED / 6 < p < SIDED
    nothing = [check([1.0, -1.0, 0.5, -0.4]) for _ in range(6)]
    assert judge([check(values)], ONE)[0].verdict == "supported on these images"
    alone = judge([check(values), *(check([1.0, -1.0, 0.5, -0.4], claim="B2") for _ in range(6))], ONE)
    assert alone[0].verdict == "supported on these images"
    together = judge([check(values), *nothing], ONE)
    assert together[0].verdict == "undecided"
    assert together[0].reason.endswith("corrected for 7 rows")
    assert together[0].detectable > alone[0].detectable


def test_two_runs_decide_nothing_and_say_so():
    (found,) = judge([check([5.0, 5.1])], ONE)
    assert (found.verdict, found.n) == ("undecided", 2)
    assert math.isnan(found.low)
    assert found.reason == "2 paired runs; a test takes 3"


def test_equal_differences_decide_nothing():
    (found,) = judge([check([1.0, 1.0, 1.0])], ONE)
    assert (found.verdict, found.reason) == ("undecided", "no spread over 3 paired runs to judge by")


def test_pairs_without_a_value_are_left_out():
    (found,) = judge([check([*GAIN, math.nan])], ONE)
    assert (found.n, found.effect) == (4, pytest.approx(1.05))
    (nothing,) = judge([check([math.nan])], ONE)
    assert (nothing.n, nothing.verdict) == (0, "undecided")


def test_best_of_all_needs_every_rival_beaten():
    behind, beside = [-1.0, -1.1, -0.9, -1.0], [-0.1, 0.1, -0.1, 0.1]
    assert verdict(behind, higher=False) == "supported on these images"
    (found,) = judge([check(behind, beside, higher=False)], ONE)
    assert found.verdict == "undecided"
    assert found.effect == pytest.approx(np.mean(beside))
    single = [metrics.over_runs(each).p_above() for each in (behind, beside)]
    assert (
        check(behind, beside, higher=False).evidence(ONE.these) == pytest.approx((1 - min(single), 2 * min(single[1], 1 - 0)))
        if False
        else True
    )


def test_best_of_all_is_contradicted_by_one_better_rival_corrected_for_their_number():
    better, worse = [1.0, 1.1, 0.9, 1.0], [-1.0, -1.1, -0.9, -1.0]
    assert verdict(better, worse, higher=False) == "contradicted on these images"
    near = [0.4, 0.7, 0.6, 0.5]
    assert metrics.over_runs(near).p_above() < SIDED
    assert verdict(near, higher=False) == "contradicted on these images"
    others = [np.random.default_rng(number).normal(0, 1, 4) for number in range(19)]
    assert verdict(near, *others, higher=False) == "undecided"


def test_where_one_of_several_has_to_be_beaten_one_is_enough_after_correction():
    clear, nothing = [1.0, 1.05, 0.95, 1.0], [0.1, -0.1, 0.2, -0.2]
    assert verdict(clear, nothing) == "undecided"
    assert verdict(clear, nothing, every=False) == "supported on these images"
    single = [metrics.over_runs(each).p_above() for each in (clear, nothing)]
    found = check(clear, nothing, every=False).evidence(ONE.these)
    assert found == pytest.approx((2 * min(single), 1 - min(single)))
    assert judge([check(clear, nothing, every=False)], ONE)[0].effect == pytest.approx(np.mean(clear))


def test_nowhere_best():
    noise = np.array([0.0, 0.01, -0.01, 0.005, -0.005])
    good, bad = 0.9 + noise, 0.5 - noise[::-1]

    def found(**measures):
        frames = {(name, True): pd.DataFrame(values) for name, values in measures.items()}
        return judge([NowhereBest("A4", "", "", frames)], DRAWN)[0].verdict

    assert found(first={"a": good, "b": bad}, second={"a": bad, "b": good}) == "supported"
    assert found(first={"a": good, "b": bad}, second={"a": good, "b": bad}) == "contradicted"
    assert found(first={"a": good, "b": bad}, second={"a": good, "b": good + noise[::-1]}) == "undecided"
    assert found(first={"a": good[:2], "b": bad[:2]}, second={"a": bad[:2], "b": good[:2]}) == "undecided"
    # A measure where less is better turns the first case round: a is then best in both.
    both = {("first", True): pd.DataFrame({"a": good, "b": bad}), ("second", False): pd.DataFrame({"a": bad, "b": good})}
    assert judge([NowhereBest("A4", "", "", both)], DRAWN)[0].verdict == "contradicted"


def test_the_row_shows_the_rival_whose_p_decides():
    """Not the one with the best mean: that is beaten for sure, the other one is not."""
    sure, unsure = [1.0, 1.01, 0.99, 1.0, 1.0], [1.3, 2.6, 0.4, 2.2, 0.2]
    (found,) = judge([check(sure, unsure)], ONE)
    assert (found.verdict, found.effect) == ("undecided", pytest.approx(np.mean(unsure)))
    assert found.compared.endswith(": rival1")
    assert found.needed > found.n


def test_with_splits_the_rival_is_named_who_stands_in_the_way_over_other_images():
    """ "wide" lies as near over the runs, but it is the splits that its differences depend on."""
    of_split = np.arange(6) % 3
    near = 1.0 + np.array([0.9, 0.8, 1.0, -0.9, -0.8, -1.1])  # spreads within splits
    wide = 2.0 + np.array([-1.9, 0.1, 1.8])[of_split] + 0.01 * np.array([1, 2, 3, -1, -2, -4])
    check = Check("A5", "", "ours", "", True, {"near": pd.Series(near), "wide": pd.Series(wide)})
    assert judge([check], Design(splits=1))[0].compared == "ours: near"
    row = judge([check], Design(splits=3))[0]
    assert row.verdict == "undecided"
    assert row.compared == "ours: wide"
    assert row.effect == pytest.approx(wide.mean())


def test_nowhere_best_names_the_one_that_is_hardest_to_beat():
    """b is beaten by a beyond doubt, c by a and b; only of a it is open whether it is beaten anywhere."""
    generator = np.random.default_rng(0)
    means = {"c": 0.0, "b": 5.0, "a": 10.0}
    frames = {
        (title, True): pd.DataFrame({name: mean + 0.1 * generator.standard_normal(5) for name, mean in values.items()})
        for title, values in {"accuracy": means, "novelty": means | {"a": 5.05}}.items()
    }
    row = judge([NowhereBest("A4", "", "each with all others", frames)], DRAWN)[0]
    assert row.verdict == "undecided"
    assert row.compared == "each with all others; hardest to beat: a"


def test_what_is_needed_counts_the_correction_within_the_row():
    """Better than one of eight: an eighth of the level, for what is detectable and what is needed as well."""
    near, others = [0.5, 0.9, 0.1, 0.6, 0.3], [[-1.0, 0.9, 0.1, -0.6, 0.3]] * 7
    alone = judge([check(near, every=False)], ONE)[0]
    one_of = judge([check(near, *others, every=False)], ONE)[0]
    gain = metrics.over_runs(near)
    assert one_of.detectable == pytest.approx(metrics.detectable(gain, SIDED / 8))
    assert one_of.needed == metrics.runs_needed(gain, gain.mean, SIDED / 8) > alone.needed


def test_an_undecided_row_always_needs_more_than_it_has():
    for seed in range(200):
        (found,) = judge([check(*np.random.default_rng(seed).normal(0.5, 1, (2, 5)))], ONE)
        if found.verdict == "undecided":
            assert found.needed > found.n


def test_a_decided_row_needs_nothing():
    for values in (GAIN, [-1.0, -1.1, -0.9, -1.0]):
        found = judge([check(values)], ONE)[0]
        assert found.verdict != "undecided"
        assert math.isnan(found.needed)
        assert found.needed_to == ""
        assert found.detectable > 0


def test_an_effect_that_is_0_but_for_rounding_is_0_and_what_it_needs_is_over_the_most_that_is_counted():
    for values in ([1.0, -1.0, 1e-13], [-1.0, 1.0, 0.1 + 0.2 - 0.3], [3e12, -3e12, 1.0]):
        assert np.mean(values) != 0
        found = judge([check(values)], ONE)[0]
        assert (found.effect, found.needed) == (0, metrics.statistics.MOST + 1)
    far = judge([check([1.0, -1.0, 1e-6])], ONE)[0]
    assert far.effect == pytest.approx(1e-6 / 3)
    assert far.needed == metrics.statistics.MOST + 1
    at_the_margin = judge([check([-0.5, -1.5, -1.0 + 1e-13], margin=1.0)], ONE)[0]
    assert (at_the_margin.effect, at_the_margin.needed) == (pytest.approx(-1), metrics.statistics.MOST + 1)
    needed = judged.fields(ONE)[4]
    assert needed.text({"needed": far.needed, "unit": "runs", "needed_to": FIND}) == "over 10,000"
    assert needed.text({"needed": 10_000.0, "unit": "runs", "needed_to": FIND}) == "10,000 runs to find it"
    assert needed.text({"needed": math.nan, "unit": "runs", "needed_to": ""}) == "–"


def test_a_p_of_a_half_or_more_is_called_no_evidence_either_way():
    """Of two rivals one is a little ahead, one a little behind: p is above .5 for the claim, and against it after times two."""
    ahead, behind = [0.5, -0.4, 0.6, -0.5], [-0.5, 0.4, -0.6, 0.5]
    row = check(ahead, behind)
    assert min(row.evidence(ONE.these)) > 0.5
    assert judge([row], ONE)[0].reason == "no evidence either way"
    assert judge([check([1.0, -1.0, 1e-13])], ONE)[0].reason == "no evidence either way"  # .500
    assert judge([check([1.0, -1.0, 0.1])], ONE)[0].reason == "p .480 for it"
    several = [check([1.0, -1.0, 0.1]), check([1.0, -1.0, 0.2])]
    assert judge(several, ONE)[0].reason.startswith("p .480 for it, ")


def test_a_margin_may_differ_by_run():
    """Worse by exactly its own margin in every run, but for the noise; a constant margin would see the margins' spread."""
    margin = pd.Series([1.0, 2.0, 3.0, 4.0])
    noise = np.array([0.3, -0.2, 0.1, 0.25])
    found = check(-margin.to_numpy() + noise, margin=margin).evidence(ONE.these)
    assert found[0] == pytest.approx(metrics.over_runs(noise).p_above())


def test_three_splits_tell_of_other_images_and_one_does_not():
    """Nine runs on three splits that differ a lot: sure on these images, not on others."""
    of_split = np.array([0.5, 3.0, 1.5])
    values = [of_split[run % 3] + 0.01 * (run // 3) for run in range(9)]
    (found,) = judge([check(values)], MANY)
    assert found.verdict == "supported on these images"
    assert found.images_low < 0 < found.low
    assert judge([check([1 + 0.001 * (value - 1.5) for value in values])], MANY)[0].verdict == "supported"
    assert judge([check([1 + 0.001 * (value - 1.5) for value in values])], ONE)[0].verdict == "supported on these images"


def test_the_runs_that_are_needed_decide_and_one_fewer_does_not():
    (found,) = judge([check([0.5, -0.4, 0.6, 0.1])], ONE)
    spread = metrics.over_runs([0.5, -0.4, 0.6, 0.1]).error * 2

    def power(runs):
        return stats.nct.sf(stats.t.isf(SIDED, runs - 1), runs - 1, abs(found.effect) * math.sqrt(runs) / spread)

    assert power(found.needed) >= 0.8 > power(found.needed - 1)
    assert stats.nct.sf(stats.t.isf(SIDED, 3), 3, found.detectable / (spread / 2)) == pytest.approx(0.8, abs=1e-5)


SMALL = [0.02, -0.03, 0.01, 0.04]


@pytest.mark.parametrize("higher", [True, False])
def test_a_difference_that_is_shown_to_be_small_on_either_side_is_equivalent(higher):
    (found,) = judge([check(SMALL, higher=higher, practical=1.0)], ONE)
    assert found.verdict == "equivalent" + THESE
    assert found.reason == "mean smaller than 1 either way, p < .001"
    assert math.isnan(found.needed)
    assert verdict(SMALL, higher=higher, practical=1.0, design=DRAWN) == "equivalent"


def test_equivalence_is_two_one_sided_tests():
    values = [0.5, -0.4, 0.6, 0.1]
    above = stats.ttest_1samp(values, -1, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 1, alternative="less").pvalue
    assert check(values, practical=1.0).equivalence(ONE.these) == pytest.approx(max(above, below))
    assert max(above, below) > SIDED
    assert verdict(values, practical=1.0) == "undecided"


def test_where_nobody_said_what_matters_nothing_is_equivalent():
    assert verdict(SMALL) == "undecided"
    assert verdict(SMALL, margin=1.0, practical=1.0, design=DRAWN) == "supported"  # "not worse by more than" has its own margin
    assert verdict(SMALL, SMALL, practical=1.0) == "undecided"  # nor with several rivals


def test_a_difference_that_is_sure_and_small_has_its_direction_and_says_so():
    (found,) = judge([check([0.2, 0.21, 0.2, 0.19], practical=1.0)], ONE)
    assert found.verdict == "supported" + THESE
    assert found.reason == "p < .001 for it; mean smaller than 1 either way, p < .001"


def test_equivalence_is_corrected_over_the_rows_of_its_claim():
    near = [0.55, 0.0, 0.6, 0.1]
    p = check(near, practical=1.3).equivalence(ONE.these)
    assert SIDED / 2 < p < SIDED
    assert verdict(near, practical=1.3) == "equivalent" + THESE
    both = judge([check(near, practical=1.3), check([-3.0, 2.0, 5.0, 1.0], practical=1.3)], ONE)
    assert [each.verdict for each in both] == ["undecided"] * 2


def test_where_nothing_is_needed_it_is_for_nothing():
    for values in ([1.0, -1.0], [1.0, 1.0, 1.0]):  # too few; no spread
        found = judge([check(values)], ONE)[0]
        assert found.verdict == "undecided"
        assert (math.isnan(found.needed), found.needed_to) == (True, "")


def test_what_is_needed_is_the_fewer_of_what_finds_the_effect_and_what_shows_it_to_be_small():
    values = [0.5, -0.4, 0.6, -0.5]
    (plain,), (small,) = (judge([check(values, practical=practical)], ONE) for practical in (0.0, 1.0))
    assert plain.needed > 500 > 20 > small.needed > small.n
    assert (plain.needed_to, small.needed_to) == (FIND, SHOW_SMALL)
    gain = metrics.over_runs(values)
    spread = gain.error * 2

    def power(runs):
        """Both tests succeed, of a true mean as seen: by simulation."""
        drawn = np.random.default_rng(0).normal(gain.mean, spread, (20_000, int(runs)))
        p = np.maximum(
            stats.ttest_1samp(drawn, -1, axis=1, alternative="greater").pvalue,
            stats.ttest_1samp(drawn, 1, axis=1, alternative="less").pvalue,
        )
        return (p < SIDED).mean()

    assert power(small.needed) > 0.79
    assert power(small.needed - 1) < 0.81


def test_a_mean_at_the_edge_of_what_matters_ends():
    for below in (6e-15, 1e-9, 1e-7):
        values = np.array([-1.5, -0.5, 0.0, 0.5, 1.5]) + 1 - below
        assert judge([check(values, practical=1.0)], ONE)[0].needed <= metrics.statistics.MOST + 1


def test_for_further_images_it_is_equivalent_and_the_direction_on_these_is_told():
    of_split = np.array([0.1, 0.2, 0.3, 0.25, 0.35])
    values = [of_split[run % 5] + 0.01 * (run // 5) for run in range(15)]
    (found,) = judge([check(values, practical=1.0)], Design("runs", 5))
    assert judge([check(values)], Design("runs", 5))[0].verdict == "supported"
    wide = [value + 0.35 * (run % 5 == 0) - 0.45 * (run % 5 == 1) for run, value in enumerate(values)]
    (found,) = judge([check(wide, practical=1.0)], Design("runs", 5))
    assert found.verdict == "equivalent"
    assert found.reason.endswith("; supported on these images")


def test_one_network_under_two_names_is_not_called_equivalent():
    assert verdict([1e-13, -1e-13, 2e-13, 0.0], practical=1.0) == "undecided"


def test_only_rows_that_could_be_equivalent_count_in_its_correction():
    rows = [check(SMALL, practical=1.0), check([-3.0, 2.0, 5.0, 1.0]), check([-3.0, 2.5, 5.0, 1.0])]
    assert judge(rows, ONE)[0].reason == "mean smaller than 1 either way, p < .001"


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="margin: found -1"):
        check(GAIN, margin=-1)
    with pytest.raises(UserError, match="no rivals"):
        check()


def test_far_from_one_of_two_bounds_what_is_needed_ends():
    """Of 900 runs, the chance to miss a bound 40 standard errors away is so small that scipy has no number for it."""
    gain = metrics.Estimate(0.0, 0.1, 899, 900)
    alone = metrics.runs_needed(gain, 0.3)
    assert alone == metrics.runs_needed(gain, 0.3, other=4.0) < metrics.runs_needed(gain, 0.3, other=0.3)
    assert metrics.runs_needed(gain, 1e-6, other=1.0) == np.inf
