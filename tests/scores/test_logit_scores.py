"""Predictions and novelty scores from logits, and temperature scaling."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from softcifar.calibrators.temperature import fit_temperature
from softcifar.metrics import entropy, negative_log_likelihood, predictive
from softcifar.scores import LOGIT_SCORES
from softcifar.scores.energy import energy
from softcifar.scores.max_logit import max_logit
from softcifar.scores.max_probability import max_probability
from softcifar.scores.mutual_information import mutual_information
from softcifar.scores.predictive_entropy import predictive_entropy

quick = settings(max_examples=60, deadline=None, derandomize=True)
LOG2 = math.log(2)


def random_logits(seed, samples, images=20, classes=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, images, classes)) * rng.choice([0.1, 1, 10, 300])


# Two samples of one image: probabilities (3/4, 1/4) and (1/4, 3/4), so the prediction is (1/2, 1/2).
OPPOSED = np.log([[[3.0, 1.0]], [[1.0, 3.0]]])


def test_golden_prediction():
    np.testing.assert_allclose(predictive(OPPOSED), [[0.5, 0.5]])
    # At T = 1/2 the odds are squared: 9 to 1. At T = 2 they are sqrt(3) to 1.
    np.testing.assert_allclose(predictive(OPPOSED[:1], 0.5), [[0.9, 0.1]])
    np.testing.assert_allclose(predictive(OPPOSED[:1], 2)[0, 0], 3**0.5 / (3**0.5 + 1))


def test_golden_scores():
    np.testing.assert_allclose(max_probability(OPPOSED), [0.5])
    np.testing.assert_allclose(predictive_entropy(OPPOSED), [LOG2])
    # H(3/4, 1/4) = 2 log 2 - 3/4 log 3 = .562335, so the mutual information is log 2 less that: .130812
    np.testing.assert_allclose(mutual_information(OPPOSED), [0.75 * math.log(3) - LOG2])
    np.testing.assert_allclose(energy(OPPOSED), [-math.log(4)])
    # Two samples that are sure of different classes: the most that two samples can disagree is log 2.
    np.testing.assert_allclose(mutual_information([[[500.0, 0, 0]], [[0, 500.0, 0]]]), [LOG2])


def test_energy_averages_over_samples():
    np.testing.assert_allclose(energy(np.log([[[1.0, 3.0]], [[5.0, 11.0]]])), [-(math.log(4) + math.log(16)) / 2])


def test_higher_is_more_novel():
    sure, unsure = np.array([[8.0, 0, 0]]), np.array([[0.1, 0, 0]])
    for name in ("max_probability", "predictive_entropy", "energy"):
        assert LOGIT_SCORES[name](unsure[None])[0] > LOGIT_SCORES[name](sure[None])[0], name
    swapped = unsure[:, ::-1] * 30
    assert mutual_information([unsure * 30, swapped])[0] > mutual_information([unsure * 30, unsure * 30])[0]


@pytest.mark.parametrize("name", LOGIT_SCORES)
def test_leading_axes_are_runs(name):
    logits = np.stack([random_logits(seed, samples=3) for seed in range(2)])
    scores = LOGIT_SCORES[name](logits)
    assert scores.shape == (2, 20)
    assert scores.dtype == np.float64
    for run in range(2):
        np.testing.assert_allclose(scores[run], LOGIT_SCORES[name](logits[run]), rtol=1e-12)
    assert predictive(logits).shape == (2, 20, 4)


def test_no_overflow_and_no_ties_among_sure_images():
    # exp(1000) overflows; and at gaps of 40 and 50, 1 - p is 0 in float64 for both images.
    logits = np.array([[[1000.0, 960.0], [1000.0, 950.0]]])
    for name in ("max_probability", "predictive_entropy"):
        scores = LOGIT_SCORES[name](logits)
        assert scores[0] > scores[1] > 0, name
    np.testing.assert_allclose(max_probability(logits), np.exp([-40.0, -50.0]))
    np.testing.assert_allclose(energy(logits), [-1000, -1000])
    assert np.isfinite(negative_log_likelihood(predictive(logits), [1, 1]))


@quick
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_ranges_and_the_textbook_formulas(seed, samples):
    logits = random_logits(seed, samples)
    probs = predictive(logits)
    np.testing.assert_allclose(probs.sum(-1), 1)
    each = np.exp(log_softmax(logits, -1))
    np.testing.assert_allclose(max_probability(logits), 1 - each.mean(0).max(-1), atol=1e-12)
    np.testing.assert_allclose(predictive_entropy(logits), entropy(each.mean(0)), atol=1e-12)
    information = mutual_information(logits)
    np.testing.assert_allclose(information, entropy(each.mean(0)) - entropy(each).mean(0), atol=1e-12)
    assert (information >= 0).all()
    assert (information <= math.log(min(samples, 4)) + 1e-12).all()
    assert (information <= predictive_entropy(logits) + 1e-12).all()


@quick
@given(st.integers(0, 10_000))
def test_one_sample_cannot_disagree(seed):
    assert (mutual_information(random_logits(seed, samples=1)) == 0).all()
    # Equal samples neither; rounding must not make it negative.
    same = mutual_information(np.repeat(random_logits(seed, 1), 3, 0))
    assert (same >= 0).all()
    np.testing.assert_allclose(same, 0, atol=1e-12)


@quick
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_the_order_of_samples_and_a_shift_of_logits_do_not_matter(seed, samples):
    logits = random_logits(seed, samples)
    for name, score in LOGIT_SCORES.items():
        np.testing.assert_allclose(score(logits[::-1]), score(logits), rtol=1e-9, atol=1e-12)
        lower = 7 if name in ("energy", "max_logit") else 0  # these two see the absolute level
        np.testing.assert_allclose(score(logits + 7), score(logits) - lower, rtol=1e-9, atol=1e-12)


def test_golden_max_logit():
    # Two samples of two images: the largest logits are 3 and 1, mean 2; 0 and 4, mean 2.
    logits = np.array([[[3.0, -1.0], [0.0, -2.0]], [[0.5, 1.0], [4.0, 3.0]]])
    np.testing.assert_array_equal(max_logit(logits), [-2, -2])


def test_golden_temperature():
    # Logit gap z, right in 3 of 4: softmax(z / T) = (3/4, 1/4) where z / T = log 3, so T = z / log 3.
    logits = np.tile([5.0, 0.0], (1, 40, 1))
    labels = np.arange(40) % 4 == 0
    assert fit_temperature(logits, labels.astype(int)) == pytest.approx(5 / math.log(3), rel=1e-4)


@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("samples", [1, 3])
def test_the_temperature_that_made_the_labels_is_found(true_temperature, samples):
    rng = np.random.default_rng(1)
    logits = (rng.normal(size=(1, 20_000, 5)) * 2 + rng.normal(size=(samples, 20_000, 5)) * 0.3).astype(np.float32)
    probs = predictive(logits, true_temperature)
    labels = (probs.cumsum(1) > rng.random((20_000, 1))).argmax(1)
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.05)


@quick
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from(["random", "right", "wrong"]))
def test_validation_likelihood_never_gets_worse(seed, samples, kind):
    logits = random_logits(seed, samples)
    labels = np.random.default_rng(seed).integers(4, size=20)
    if kind != "random":
        labels = logits.mean(0).argmax(1) if kind == "right" else logits.mean(0).argmin(1)
    temperature = fit_temperature(logits, labels)
    assert 0.01 <= temperature <= 100
    after = negative_log_likelihood(predictive(logits, temperature), labels)
    assert after <= negative_log_likelihood(predictive(logits), labels)
    # The ranking of the classes of a single network does not change.
    if samples == 1:
        np.testing.assert_array_equal(predictive(logits, temperature).argmax(-1), logits[0].argmax(-1))


@quick
@given(st.integers(0, 10_000))
def test_another_search_finds_no_better_temperature(seed):
    # For one sample the NLL is convex in 1 / T, so an unbounded Brent search in 1 / T is an independent check.
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(1, 50, 4)) * 3
    labels = np.where(rng.random(50) < 0.5, logits[0].argmax(1), rng.integers(4, size=50))
    best = minimize_scalar(lambda b: -log_softmax(logits[0] * b, 1)[np.arange(50), labels].mean(), bracket=(0.1, 1))
    ours = negative_log_likelihood(predictive(logits, fit_temperature(logits, labels)), labels)
    assert ours <= best.fun + 1e-9


def test_nothing_to_gain_returns_one():
    assert fit_temperature(np.zeros((2, 6, 3)), [0, 1, 2, 0, 1, 2]) == 1.0
