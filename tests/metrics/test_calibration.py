"""Calibration errors: golden numbers, bin edges, perfect calibration, and the published mistake not repeated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from softcifar.metrics import (
    adaptive_calibration_error,
    by_true_class_calibration_error,
    classwise_calibration_error,
    expected_calibration_error,
    maximum_calibration_error,
    overconfidence_error,
    reliability_bins,
)

quick = settings(max_examples=60, deadline=None, derandomize=True)
ERRORS = [
    expected_calibration_error,
    maximum_calibration_error,
    overconfidence_error,
    adaptive_calibration_error,
    classwise_calibration_error,
]


def two_classes(confidences, correct):
    """Predictions of class 0 with the given confidences (>= .5), right where `correct`."""
    confidences = np.asarray(confidences, float)
    return np.stack([confidences, 1 - confidences], 1), 1 - np.asarray(correct, int)


def predictions(seed, images=60, classes=5):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, rng.choice([0.05, 0.3, 2.0])), images), rng.integers(classes, size=images)


# Five bins of width .2. Confidences .55 .5 | .7 .75 .65 | .95, right: 1 0 | 1 1 0 | 0.
#   (.4, .6]: 2 images, confidence .525, accuracy 1/2  -> gap -.025
#   (.6, .8]: 3 images, confidence .7,   accuracy 2/3  -> gap -.0333
#   (.8, 1.]: 1 image,  confidence .95,  accuracy 0    -> gap -.95
GOLDEN = two_classes([0.55, 0.5, 0.7, 0.75, 0.65, 0.95], [1, 0, 1, 1, 0, 0])


def test_golden_reliability_bins():
    counts, confidence, accuracy = reliability_bins(*GOLDEN, bins=5)
    assert counts.tolist() == [0, 0, 2, 3, 1]
    np.testing.assert_allclose(confidence, [np.nan, np.nan, 0.525, 0.7, 0.95])
    np.testing.assert_allclose(accuracy, [np.nan, np.nan, 0.5, 2 / 3, 0.0])


def test_golden_expected_and_maximum_error():
    # ECE = (2 * .025 + 3 * .0333 + .95) / 6 = (.05 + .1 + .95) / 6 = 1.1 / 6; MCE = .95
    assert expected_calibration_error(*GOLDEN, bins=5) == pytest.approx(1.1 / 6)
    assert maximum_calibration_error(*GOLDEN, bins=5) == pytest.approx(0.95)


def test_golden_overconfidence():
    # (2 * .525 * .025 + 3 * .7 * .03333 + 1 * .95 * .95) / 6 = (.02625 + .07 + .9025) / 6 = .99875 / 6
    assert overconfidence_error(*GOLDEN, bins=5) == pytest.approx(0.99875 / 6)
    underconfident = two_classes([0.6, 0.6, 0.6], [1, 1, 1])
    assert overconfidence_error(*underconfident) == 0
    assert expected_calibration_error(*underconfident) == pytest.approx(0.4)


def test_golden_adaptive():
    # By confidence: .5 (wrong) .55 (right) | .65 (wrong) .7 (right) | .75 (right) .95 (wrong); accuracy 1/2 in each.
    # Gaps |.5 - .525|, |.5 - .675|, |.5 - .85|: mean (.025 + .175 + .35) / 3 = .55 / 3
    assert adaptive_calibration_error(*GOLDEN, bins=3) == pytest.approx(0.55 / 3)
    # More bins than images: every image is a bin, the mean of |right - confidence|.
    # .5 + .45 + .65 + .3 + .25 + .95 = 3.1
    assert adaptive_calibration_error(*GOLDEN, bins=1000) == pytest.approx(3.1 / 6)


def test_golden_classwise():
    # Two bins. p(class 0) .8 .6 .3 .4, labels 0 1 1 1.
    # Class 0: (.5, 1]: mean p .7, share 1/2, 2 images -> .2 * 2/4 = .1; [0, .5]: .35 against 0 -> .35 * 2/4 = .175
    # Class 1 mirrors it (p .2 .4 | .7 .6, shares 1/2 | 1): .2 * 2/4 + .35 * 2/4. Mean of .275 and .275.
    first = np.array([0.8, 0.6, 0.3, 0.4])
    assert classwise_calibration_error(np.stack([first, 1 - first], 1), [0, 1, 1, 1], bins=2) == pytest.approx(0.275)


def test_golden_by_true_class():
    # Class 0: confidence .9 right, .6 wrong, one bin: |1/2 - .75| = .25. Class 1: .7 right: |1 - .7| = .3.
    probs = [[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]]
    assert by_true_class_calibration_error(probs, [0, 0, 1], bins=1) == pytest.approx((0.25 + 0.3) / 2)


def test_by_true_class_the_exact_probabilities_do_not_score_0():
    rng = np.random.default_rng(0)
    probs = np.repeat([[0.7, 0.3]], 4000, axis=0)
    labels = (rng.random(4000) > probs[:, 0]).astype(int)
    assert by_true_class_calibration_error(probs, labels) == pytest.approx((0.3 + 0.7) / 2)
    assert expected_calibration_error(probs, labels) < 0.03


def test_golden_classwise_divides_by_classes():
    # Three classes, one bin: sum over k of |share_k - mean p_k| / 3 = (|1 - .5| + |0 - .3| + |0 - .2|) / 3 = 1/3
    assert classwise_calibration_error([[0.5, 0.3, 0.2]], [0], bins=1) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("side", "where"), [("right", 8), ("left", 9)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_confidence_on_an_edge_belongs_to_the_closed_side(side, where, dtype):
    # .6 = 9/15 is the edge of bins 8 and 9. In float32 it is .60000002, which is still the edge.
    probs = np.array([[0.6, 0.4], [0.1 + 0.2 + 0.3, 1 - 0.6]], dtype)  # .1 + .2 + .3 = .6000000000000001
    counts = reliability_bins(probs, [0, 0], side=side).counts
    assert counts[where] == counts.sum() == 2


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("bins", [1, 2, 7, 15])
def test_every_edge(side, bins):
    edges = [k / bins for k in range(bins + 1) if k / bins >= 0.5]
    counts = reliability_bins(*two_classes(edges, np.ones(len(edges))), bins=bins, side=side).counts
    expected = np.zeros(bins, int)
    for k in (k for k in range(bins + 1) if k / bins >= 0.5):
        expected[max(k - 1, 0) if side == "right" else min(k, bins - 1)] += 1
    assert counts.tolist() == expected.tolist()


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("error", [expected_calibration_error, maximum_calibration_error, classwise_calibration_error])
def test_confidence_exactly_zero_and_one(error, side):
    certain = np.eye(3)[[0, 1, 2, 0]]
    assert error(certain, [0, 1, 2, 0], side=side) == 0
    # All wrong: every stated 1 is a 0. Class-wise the last bin of a class holds its stated ones, the first its zeros.
    # Stated 0 1 2 0, true 1 2 0 1. Class 0: |0 - 1| * 2/4 + |1/2 - 0| * 2/4 = .75; class 1: 1 * 1/4 + 2/3 * 3/4 = .75;
    # class 2: 1 * 1/4 + 1/3 * 3/4 = .5; mean 2/3.
    expected = 2 / 3 if error is classwise_calibration_error else 1
    assert error(certain, [1, 2, 0, 1], side=side) == pytest.approx(expected)


def test_confidence_one_has_no_bin_of_its_own():
    # 1.0 (wrong) and .98 (right) share the last of 15 bins: |1/2 - .99| = .49; apart they would give (1 + .02) / 2.
    assert expected_calibration_error(*two_classes([1.0, 0.98], [0, 1])) == pytest.approx(0.49)


def test_the_true_class_probability_is_not_what_is_binned():
    # A perfectly calibrated network: it says .887 a thousand times and is right 887 times. Binning the true class's
    # probability puts 887 images at p_y .887 (all "right", gap .113) and 113 at p_y .113 (all "wrong", gap .113): an
    # "error" of .113 for a network without any.
    probs, labels = two_classes(np.full(1000, 0.887), np.arange(1000) < 887)
    p_true = probs[np.arange(1000), labels]
    mistaken = sum((p_true == value).mean() * abs((labels == 0)[p_true == value].mean() - value) for value in np.unique(p_true))
    assert mistaken == pytest.approx(0.113)
    for error in ERRORS:
        assert error(probs, labels) == pytest.approx(0, abs=1e-12)


@quick
@given(st.lists(st.tuples(st.integers(5, 10), st.integers(1, 4)), min_size=1, max_size=6), st.integers(1, 20))
def test_perfect_calibration_is_zero(groups, bins):
    # Confidence tenths/10 for 10 * times images, of which exactly tenths * times are right.
    confidences, correct = [], []
    for tenths, times in groups:
        confidences += [tenths / 10] * (10 * times)
        correct += [1] * (tenths * times) + [0] * ((10 - tenths) * times)
    probs, labels = two_classes(confidences, correct)
    for error in ERRORS:
        assert error(probs, labels, bins=bins) == pytest.approx(0, abs=1e-12)


def test_labels_drawn_from_the_prediction_are_calibrated():
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.full(10, 0.3), 20_000)
    labels = (probs.cumsum(1) > rng.random((20_000, 1))).argmax(1)
    # Sampling error of a bin's accuracy: about .5 / sqrt(20,000 / 15) = .014
    assert expected_calibration_error(probs, labels) < 0.015
    assert adaptive_calibration_error(probs, labels) < 0.015
    assert classwise_calibration_error(probs, labels) < 0.01


@quick
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_bounds_order_and_relations(seed, bins):
    probs, labels = predictions(seed)
    order = np.random.default_rng(seed).permutation(len(labels))
    for error in ERRORS:
        value = error(probs, labels, bins=bins)
        assert 0 <= value <= 1
        assert error(probs[order], labels[order], bins=bins) == pytest.approx(value, abs=1e-12)
    ece = expected_calibration_error(probs, labels, bins=bins)
    assert overconfidence_error(probs, labels, bins=bins) <= ece + 1e-12
    assert ece <= maximum_calibration_error(probs, labels, bins=bins) + 1e-12
    # Merging bins cannot raise the error (triangle inequality); one bin leaves |accuracy - mean confidence|.
    assert expected_calibration_error(probs, labels, bins=1) <= ece + 1e-12
    assert adaptive_calibration_error(probs, labels, bins=1) == pytest.approx(expected_calibration_error(probs, labels, bins=1))


@quick
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(0, 10_000))
def test_adaptive_error_does_not_depend_on_the_order_of_equal_confidences(seed, bins, shuffle):
    rng = np.random.default_rng(seed)
    probs, labels = two_classes(rng.choice([0.6, 0.7, 0.9], 50), rng.integers(2, size=50))
    order = np.random.default_rng(shuffle).permutation(50)
    assert adaptive_calibration_error(probs[order], labels[order], bins=bins) == pytest.approx(
        adaptive_calibration_error(probs, labels, bins=bins), abs=1e-12
    )


@quick
@given(st.integers(0, 10_000))
def test_scikit_learn_draws_the_same_diagram(seed):
    probs, labels = predictions(seed)
    _, confidence, accuracy = reliability_bins(probs, labels)
    theirs = calibration_curve(probs.argmax(1) == labels, probs.max(1), n_bins=15)
    filled = ~np.isnan(accuracy)
    np.testing.assert_allclose(accuracy[filled], theirs[0])
    np.testing.assert_allclose(confidence[filled], theirs[1])


@quick
@given(st.integers(0, 10_000))
def test_classwise_is_the_mean_of_binary_diagrams(seed):
    probs, labels = predictions(seed)
    total = 0.0
    for k in range(probs.shape[1]):
        share, mean = calibration_curve(labels == k, probs[:, k], n_bins=15)
        counts = np.histogram(probs[:, k], bins=np.linspace(0, 1, 16))[0]
        total += (counts[counts > 0] / len(labels) * np.abs(share - mean)).sum()
    assert classwise_calibration_error(probs, labels) == pytest.approx(total / probs.shape[1])
