"""Calibrators: independent oracles (scikit-learn, grids, counting), and what holds for all of them."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from softcifar.calibrators import CALIBRATORS
from softcifar.calibrators.affine import LOOSE, fit_affine
from softcifar.calibrators.dirichlet import dirichlet
from softcifar.calibrators.histogram import histogram
from softcifar.calibrators.inputs import blended, log_predictive, mean_logits
from softcifar.calibrators.isotonic import isotonic
from softcifar.calibrators.matrix import matrix
from softcifar.calibrators.temperature import fit_temperature, temperature
from softcifar.calibrators.vector import vector
from softcifar.errors import UserError
from softcifar.metrics import human_cross_entropy, negative_log_likelihood, predictive


def drawn(images, seed=0, samples=1, classes=4, shift=1.0, factor=2.5):
    """Logits that are too sure by a factor and forget a shift of the classes, labels and votes that know both."""
    generator = np.random.default_rng(seed)
    clean = 2 * generator.standard_normal((images, classes))
    probs = softmax(clean + shift * np.linspace(-1, 1, classes), axis=1)
    labels = (probs.cumsum(axis=1) < generator.random((images, 1))).sum(axis=1).clip(0, classes - 1)
    votes = np.stack([generator.multinomial(20, each) for each in probs]) / 20
    logits = factor * (clean + 0.3 * generator.standard_normal((samples, images, classes)))
    return logits, labels, votes


VALIDATION, LABELS, VOTES = drawn(500)
TEST, TEST_LABELS, TEST_VOTES = drawn(2000, seed=1)


@pytest.mark.parametrize("name", CALIBRATORS)
def test_each_lowers_the_loss_of_what_is_too_sure(name):
    after = CALIBRATORS[name](VALIDATION, LABELS)(TEST)
    assert after.shape == TEST.shape[1:]
    np.testing.assert_allclose(after.sum(axis=1), 1)
    assert after.min() >= 0
    assert negative_log_likelihood(after, TEST_LABELS) < 0.9 * negative_log_likelihood(predictive(TEST), TEST_LABELS)


@pytest.mark.parametrize("name", CALIBRATORS)
def test_each_comes_nearer_to_people_by_votes_than_by_labels(name):
    by_labels, by_votes = (CALIBRATORS[name](VALIDATION[:, :150], each[:150])(TEST) for each in (LABELS, VOTES))
    assert human_cross_entropy(by_votes, TEST_VOTES) < human_cross_entropy(by_labels, TEST_VOTES) + 1e-3


@pytest.mark.parametrize("name", CALIBRATORS)
def test_each_takes_several_samples_tensors_and_one_hot_targets(name):
    logits, labels, _ = drawn(200, seed=2, samples=3)
    fitted = CALIBRATORS[name](logits, labels)(logits)
    np.testing.assert_allclose(CALIBRATORS[name](torch.tensor(logits), np.eye(4)[labels])(torch.tensor(logits)), fitted)


@pytest.mark.parametrize("name", CALIBRATORS)
def test_validation_that_is_all_right_leaves_finite_numbers(name):
    logits = 5 * np.eye(3)[None, [0, 1, 2, 0, 1, 2]]
    found = CALIBRATORS[name](logits, [0, 1, 2, 0, 1, 2])(logits)
    assert np.isfinite(found).all()
    assert (found.argmax(axis=1) == [0, 1, 2, 0, 1, 2]).all()


@pytest.mark.parametrize("name", CALIBRATORS)
@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (VALIDATION[None], LABELS, "of one run is allowed"),
        (VALIDATION, LABELS[:5], "labels: shape"),
        (VALIDATION, LABELS + 1, "labels: values from 1"),
        (VALIDATION, VOTES[:5], "targets: shape"),
        (VALIDATION, 20 * VOTES, "targets: values"),
    ],
)
def test_mistakes(name, logits, targets, message):
    with pytest.raises(UserError, match=message):
        CALIBRATORS[name](logits, targets)


def test_the_temperature_of_labels_is_fit_temperatures():
    np.testing.assert_allclose(
        temperature(VALIDATION, LABELS)(TEST), predictive(TEST, fit_temperature(VALIDATION, LABELS)), rtol=1e-6
    )


def test_no_other_temperature_is_nearer_to_the_votes():
    losses = [human_cross_entropy(predictive(VALIDATION, each), VOTES) for each in np.geomspace(0.1, 20, 300)]
    assert human_cross_entropy(temperature(VALIDATION, VOTES)(VALIDATION), VOTES) <= min(losses) + 1e-9


@pytest.mark.parametrize(("fit", "inputs"), [(matrix, mean_logits), (dirichlet, log_predictive)])
def test_without_a_prior_it_is_multinomial_logistic_regression(fit, inputs):
    ours = fit(VALIDATION, LABELS, beside=1e3, bias=1e3)
    theirs = LogisticRegression(C=np.inf, max_iter=5000, tol=1e-8).fit(inputs(VALIDATION), LABELS)
    expected = theirs.predict_proba(inputs(TEST))
    np.testing.assert_allclose(ours(TEST), expected, atol=3e-3)
    assert log_loss(LABELS, ours(VALIDATION)) == pytest.approx(
        log_loss(LABELS, theirs.predict_proba(inputs(VALIDATION))), abs=1e-5
    )


def test_with_a_narrow_prior_the_matrix_is_vector_scaling():
    narrow = matrix(VALIDATION, LABELS, beside=1e-4, bias=LOOSE)(TEST)
    np.testing.assert_allclose(narrow, vector(VALIDATION, LABELS)(TEST), atol=3e-3)
    assert np.abs(narrow - matrix(VALIDATION, LABELS)(TEST)).max() > 0.01


def test_the_shift_of_the_classes_is_found():
    """Exact logits, half as large again, with a constant added to each class: vector scaling undoes both."""
    logits, labels, _ = drawn(6000, seed=4, factor=1.5)
    changed = logits + np.linspace(3, -3, 4)
    truth = softmax(logits[0] / 1.5 + np.linspace(-1, 1, 4), axis=1)
    found = vector(changed, labels)(changed)
    assert np.abs(found - truth).mean() < 0.03
    assert np.abs(temperature(changed, labels)(changed) - truth).mean() > 0.1


def test_the_fit_is_the_lowest_point_of_its_loss():
    """Brute force: no step from the optimum lowers the penalised loss."""
    inputs, targets = mean_logits(VALIDATION), VOTES
    scale, beside, bias = 2.0, 0.2, 0.5

    def loss(weights, shift):
        fit = -(targets * log_softmax(inputs @ weights.T + shift, axis=1)).sum()
        change = scale * weights - np.eye(4)
        at_mean = shift + (weights - np.eye(4) / scale) @ inputs.mean(axis=0)
        apart = ~np.eye(4, dtype=bool)
        return (
            fit
            + (np.diag(change) ** 2).sum() / 200
            + (change[apart] ** 2).sum() / (2 * beside**2)
            + (at_mean**2).sum() / (2 * bias**2)
        )

    weights, shift = fit_affine(inputs, targets, scale, beside=beside, bias=bias)
    lowest, generator = loss(weights, shift), np.random.default_rng(0)
    for size in (1e-1, 1e-2, 1e-3):
        for _ in range(200):
            other = loss(weights + size * generator.standard_normal((4, 4)), shift + size * generator.standard_normal(4))
            assert other >= lowest - 1e-4


def test_isotonic_is_the_best_rising_function_of_two_classes():
    """Pool adjacent violators by hand: .2 .3 .4 .6 with targets 0 1 0 1 become 0 .5 .5 1."""
    second = np.array([0.2, 0.3, 0.4, 0.6])
    logits = np.log(np.stack([1 - second, second], axis=1))[None]
    found = isotonic(logits, [0, 1, 0, 1])(logits)[:, 1]
    assert found == pytest.approx((4 * np.array([0, 0.5, 0.5, 1]) + 0.5) / 5)


def test_isotonic_regression_is_scikit_learns():
    logits, labels, votes = drawn(300, seed=6)
    logits = np.round(logits, 0)  # ties
    probs, more = predictive(logits), predictive(TEST)
    for targets in (np.eye(4)[labels], votes):
        fitted = [IsotonicRegression(out_of_bounds="clip").fit(probs[:, k], targets[:, k]) for k in range(4)]
        expected = np.stack([each.predict(more[:, k]) for k, each in enumerate(fitted)], axis=1)
        np.testing.assert_allclose(isotonic(logits, targets)(TEST), blended(expected, 300), atol=1e-9)


def test_histogram_counts():
    """Two bins of two images each: up to the median .35 no second class, above it one of two."""
    second = np.array([0.1, 0.3, 0.4, 0.6])
    logits = np.log(np.stack([1 - second, second], axis=1))[None]
    found = histogram(logits, [0, 0, 0, 1], bins=2)(logits)[:, 1]
    assert found == pytest.approx((4 * np.array([0, 0, 0.5, 0.5]) + 0.5) / 5)


def test_a_blend_keeps_all_classes_possible():
    assert blended(np.array([[0.0, 2.0], [0.0, 0.0]]), 9) == pytest.approx(np.array([[0.05, 0.95], [0.5, 0.5]]))


def test_mean_logits_give_the_mean_prediction():
    logits, _, _ = drawn(50, seed=5, samples=3)
    np.testing.assert_allclose(softmax(mean_logits(logits), axis=1), predictive(logits))
    np.testing.assert_allclose(mean_logits(logits[:1]), logits[0])
    assert np.isfinite(log_predictive(1e4 * logits)).all()
