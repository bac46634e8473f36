"""Risk-coverage curves: golden numbers, brute force over all orders of ties, and scikit-learn's AUROC."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from softcifar.errors import UserError
from softcifar.metrics.selective import augrc, aurc, coverage_at_risk, risk_coverage

quick = settings(max_examples=60, deadline=None, derandomize=True)
answers = st.lists(st.tuples(st.integers(0, 3).map(float), st.booleans()), min_size=1, max_size=7)

SCORES, WRONG = [1.0, 2.0, 3.0, 4.0, 5.0], [False, True, False, False, True]


def test_golden_curve_and_areas():
    coverage, risk = risk_coverage(SCORES, WRONG)
    assert coverage == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])
    assert risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4, 2 / 5])
    assert aurc(SCORES, WRONG) == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    # Generalised risks 0 0 1 1 1 2 of 5, trapezoids a fifth wide.
    assert augrc(SCORES, WRONG) == pytest.approx((0 + 0.5 + 1 + 1 + 1.5) / 25)


@pytest.mark.parametrize(("risk", "share"), [(0.0, 0.2), (0.24, 0.2), (0.25, 0.8), (0.39, 0.8), (0.4, 1.0), (1.0, 1.0)])
def test_golden_coverage_at_risk(risk, share):
    assert coverage_at_risk(SCORES, WRONG, risk=risk) == pytest.approx(share)


def test_five_errors_of_a_hundred_are_a_risk_of_five_per_cent():
    assert coverage_at_risk(np.arange(100), np.arange(100) < 5) == 1


def test_a_threshold_takes_all_images_of_one_score():
    assert coverage_at_risk([1, 1, 2], [False, True, False], risk=0.4) == 1
    assert coverage_at_risk([1, 1], [False, True], risk=0.4) == 0


@quick
@given(answers)
def test_ties_are_the_mean_over_all_orders(drawn):
    scores, wrong = map(np.array, zip(*drawn, strict=True))
    curves = []
    for order in itertools.permutations(range(len(scores))):
        if all(scores[a] <= scores[b] for a, b in itertools.pairwise(order)):
            errors = wrong[list(order)]
            curves.append([errors[: count + 1].mean() for count in range(len(errors))])
    assert risk_coverage(scores, wrong)[1] == pytest.approx(np.mean(curves, axis=0), abs=1e-12)
    assert aurc(scores, wrong) == pytest.approx(np.mean(curves), abs=1e-12)


@quick
@given(answers, st.sampled_from([0, 0.1, 0.25, 0.5]))
def test_coverage_is_the_best_of_all_thresholds(drawn, risk):
    scores, wrong = map(np.array, zip(*drawn, strict=True))
    allowed = [(scores <= each).mean() for each in scores if wrong[scores <= each].mean() <= risk]
    assert coverage_at_risk(scores, wrong, risk=risk) == pytest.approx(max(allowed, default=0))


def test_augrc_is_an_auroc_and_the_error_rate():
    generator = np.random.default_rng(0)
    for _ in range(50):
        scores, wrong = generator.integers(0, 30, 200), generator.random(200) < generator.uniform(0.05, 0.9)
        rate = wrong.mean()
        expected = (1 - roc_auc_score(wrong, scores)) * rate * (1 - rate) + rate**2 / 2
        assert augrc(scores, wrong) == pytest.approx(expected, abs=1e-12)


def test_an_order_that_knows_nothing_has_the_error_rate_and_a_perfect_one_less():
    wrong = np.arange(10) >= 7
    assert aurc(np.zeros(10), wrong) == pytest.approx(0.3)
    assert aurc(np.arange(10), wrong) < 0.1 < aurc(-np.arange(10), wrong)


@pytest.mark.parametrize(
    ("scores", "wrong", "message"),
    [
        ([], [], "scores: shape"),
        ([[1.0]], [[True]], "scores: shape"),
        ([np.nan], [True], "NaN"),
        ([1.0, 2.0], [True], "wrong: shape"),
        ([1.0, 2.0], [0.5, 1], "wrong: "),
    ],
)
def test_mistakes(scores, wrong, message):
    for metric in (risk_coverage, aurc, augrc, coverage_at_risk):
        with pytest.raises(UserError, match=message):
            metric(scores, wrong)


def test_a_risk_is_a_share():
    with pytest.raises(UserError, match="risk: 5 found; 0 to 1"):
        coverage_at_risk(SCORES, WRONG, risk=5)
