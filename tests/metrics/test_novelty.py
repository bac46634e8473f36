"""AUROC, average precision and FPR at a TPR: golden numbers with ties, scikit-learn, brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_curve

from softcifar.metrics import auroc, average_precision, fpr_at_tpr

quick = settings(max_examples=100, deadline=None, derandomize=True)

# Few distinct values, so that ties are common, besides free ones.
scores = st.lists(st.one_of(st.integers(0, 4).map(float), st.floats(-1e6, 1e6)), min_size=1, max_size=25)

IN = [1.0, 2.0, 3.0, 4.0]
OUT = [2.0, 3.0, 5.0, 6.0]


def test_golden_auroc():
    # Pairs won by out, a tie one half: out 2: 1.5 of 4; out 3: 2.5; out 5 and 6: 4 each. 12 of 16.
    assert auroc(IN, OUT) == 0.75


def test_golden_average_precision():
    # Falling scores 6o 5o 4i 3oi 2oi 1i. Steps of recall 1/4 each with precision 1/1, 2/2, 3/5, 4/7.
    assert average_precision(IN, OUT) == pytest.approx((1 + 1 + 3 / 5 + 4 / 7) / 4)
    # In positive, rising: 1i 2io 3io 4i: precision 1/1, 2/3, 3/5, then 4/6 at score 4.
    assert average_precision(IN, OUT, positive="in") == pytest.approx((1 + 2 / 3 + 3 / 5 + 4 / 6) / 4)


def test_golden_fpr():
    # All four out: threshold 2, in scores 2 3 4 reach it. 3 of 4 out: threshold 3, in 3 4. Half: threshold 5, none.
    assert [fpr_at_tpr(IN, OUT, tpr=t) for t in (1.0, 0.95, 0.75, 0.5, 0.01)] == [0.75, 0.75, 0.5, 0.0, 0.0]
    # 19 of 20 is exactly 95 %: the one out score below all in scores may be missed.
    assert fpr_at_tpr([0.5] * 7, [1.0] * 19 + [0.0]) == 0.0
    assert fpr_at_tpr([0.5] * 7, [1.0] * 18 + [0.0]) == 1.0
    # 7 % of 100 is 7 images, although .07 * 100 = 7.000000000000001.
    assert fpr_at_tpr([0.5], [1.0] * 7 + [0.0] * 93, tpr=0.07) == 0.0


def test_separated_and_constant_scores():
    assert (auroc([0, 1], [2, 3]), fpr_at_tpr([0, 1], [2, 3]), average_precision([0, 1], [2, 3])) == (1, 0, 1)
    assert average_precision([0, 1], [2, 3], positive="in") == 1
    assert (auroc([2, 3], [0, 1]), fpr_at_tpr([2, 3], [0, 1])) == (0, 1)
    # A constant score knows nothing: chance is 1/2, the positive share, and all in images are false alarms.
    assert (auroc([7] * 3, [7]), fpr_at_tpr([7] * 3, [7])) == (0.5, 1)
    assert (average_precision([7] * 3, [7]), average_precision([7] * 3, [7], positive="in")) == (0.25, 0.75)


def test_infinite_scores_are_the_ends_of_the_order():
    assert auroc([-np.inf, 0.0], [1.0, np.inf]) == 1
    assert auroc([np.inf], [np.inf]) == 0.5
    assert average_precision([-np.inf, 0.0], [1.0, np.inf]) == 1
    assert fpr_at_tpr([-np.inf, np.inf], [0.0, np.inf]) == 0.5


@quick
@given(scores, scores)
def test_auroc_is_the_share_of_pairs(scores_in, scores_out):
    value = auroc(scores_in, scores_out)
    gap = np.subtract.outer(scores_out, scores_in)
    assert value == pytest.approx(np.mean((gap > 0) + 0.5 * (gap == 0)), abs=1e-12)
    assert value == pytest.approx(1 - auroc(scores_out, scores_in), abs=1e-12)
    assert 0 <= value <= 1


@quick
@given(scores, scores)
def test_average_precision_is_scikit_learns(scores_in, scores_out):
    out = np.repeat([0, 1], [len(scores_in), len(scores_out)])
    pooled = np.array(scores_in + scores_out)
    assert average_precision(scores_in, scores_out) == pytest.approx(average_precision_score(out, pooled))
    expected = average_precision_score(1 - out, -pooled)
    assert average_precision(scores_in, scores_out, positive="in") == pytest.approx(expected)
    # Turning the score round swaps the roles.
    mirrored = average_precision(np.negative(scores_out), np.negative(scores_in))
    assert average_precision(scores_in, scores_out, positive="in") == pytest.approx(mirrored)


@quick
@given(scores, scores, st.sampled_from([0.05, 0.3, 0.5, 0.8, 0.95, 1.0]))
def test_fpr_is_the_smallest_of_all_thresholds(scores_in, scores_out, tpr):
    pooled = np.array(scores_in + scores_out)
    rates = [(np.mean(scores_out >= t), np.mean(scores_in >= t)) for t in pooled]
    assert fpr_at_tpr(scores_in, scores_out, tpr=tpr) == min(fpr for found, fpr in rates if found >= tpr)
    fpr, found, _ = roc_curve(np.repeat([0, 1], [len(scores_in), len(scores_out)]), pooled, drop_intermediate=False)
    assert fpr_at_tpr(scores_in, scores_out, tpr=tpr) == pytest.approx(fpr[found >= tpr - 1e-12].min())


@quick
@given(scores, scores, st.integers(0, 1000))
def test_only_the_order_of_scores_counts(scores_in, scores_out, seed):
    rng = np.random.default_rng(seed)
    values, ranks = np.unique(scores_in + scores_out, return_inverse=True)
    stretched = np.cumsum(rng.uniform(0.1, 10, len(values)))[ranks]
    new_in, new_out = rng.permutation(stretched[: len(scores_in)]), rng.permutation(stretched[len(scores_in) :])
    for metric in (auroc, average_precision, fpr_at_tpr):
        assert metric(new_in, new_out) == pytest.approx(metric(scores_in, scores_out), abs=1e-12)
