"""Dawid-Skene: annotators with known confusion matrices are found again, and so are the classes; what one matrix gives."""

import numpy as np
import pytest

from softcifar.errors import UserError
from softcifar.labels import dawid_skene, human, majority
from softcifar.labels.dawid_skene import estimate

CLASSES, IMAGES = 4, 20_000
PRIORS = np.array([0.4, 0.3, 0.2, 0.1])


def confusion(right: float, seed: int) -> np.ndarray:
    """Right with this probability, and wrong in a way of its own."""
    wrong = np.random.default_rng(seed).dirichlet(np.ones(CLASSES), CLASSES)
    wrong[np.eye(CLASSES, dtype=bool)] = 0
    return right * np.eye(CLASSES) + (1 - right) * wrong / wrong.sum(axis=1, keepdims=True)


def simulated(confusions: list[np.ndarray], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Classes (N,) and answers (A, N, K), one of every annotator on every image."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(CLASSES, IMAGES, p=PRIORS)
    said = [(rng.random(IMAGES)[:, None] > each[truth].cumsum(axis=1)).sum(axis=1) for each in confusions]
    return truth, np.stack([np.eye(CLASSES)[np.minimum(each, CLASSES - 1)] for each in said])


@pytest.fixture(scope="module")
def good_and_bad():
    confusions = [confusion(0.95, 1), confusion(0.6, 2), confusion(0.55, 3), confusion(0.5, 4), confusion(0.5, 5)]
    truth, answers = simulated(confusions)
    return confusions, truth, answers, estimate(answers)


def test_known_confusion_matrices_and_priors_are_found(good_and_bad):
    confusions, _, _, found = good_and_bad
    np.testing.assert_allclose(found.confusions, confusions, atol=0.03)
    np.testing.assert_allclose(found.priors, PRIORS, atol=0.015)


def test_it_is_right_more_often_than_the_majority_and_as_sure_as_it_may_be(good_and_bad):
    confusions, truth, answers, found = good_and_bad
    right = (found.posterior.argmax(axis=1) == truth).mean()
    assert right > (majority(answers.sum(axis=0)).argmax(axis=1) == truth).mean() + 0.05
    assert found.posterior.max(axis=1).mean() == pytest.approx(right, abs=0.01)
    exact = PRIORS * np.prod([each.T[said.argmax(axis=1)] for each, said in zip(confusions, answers, strict=True)], axis=0)
    exact /= exact.sum(axis=1, keepdims=True)
    assert np.abs(found.posterior - exact).mean() < 0.01


def test_every_step_raises_the_likelihood(good_and_bad):
    _, _, answers, _ = good_and_bad

    def likelihood(steps: int) -> float:
        found = estimate(answers[:, :2000], iterations=steps, tolerance=1e-300)
        joint = found.priors * np.exp(np.einsum("anj,aij->ni", answers[:, :2000], np.log(found.confusions)))
        return float(np.log(joint.sum(axis=1)).mean())

    values = [likelihood(steps) for steps in (1, 2, 3, 5, 10, 30)]
    assert (np.diff(values) > 0).all()


def test_votes_without_names_have_one_matrix():
    """Three annotators alike: one matrix is as good as three, and what it gives is Bayes' rule."""
    shared = confusion(0.8, 6)
    truth, answers = simulated([shared] * 3, seed=1)
    votes = answers.sum(axis=0)
    found = estimate(votes[None])
    np.testing.assert_allclose(found.confusions[0], shared, atol=0.02)
    probs = dawid_skene(votes)
    np.testing.assert_array_equal(probs, found.posterior)
    exact = PRIORS * np.exp(votes @ np.log(shared).T)
    np.testing.assert_allclose(probs, exact / exact.sum(axis=1, keepdims=True), atol=0.06)
    assert -np.log(probs[np.arange(IMAGES), truth]).mean() < -np.log(human(votes)[np.arange(IMAGES), truth] + 1e-3).mean()
    ordered = votes[:, [2, 0, 3, 1]]
    np.testing.assert_allclose(dawid_skene(ordered), probs[:, [2, 0, 3, 1]], atol=1e-9)


def test_hundreds_of_votes_do_not_underflow():
    votes = np.random.default_rng(0).multinomial(5000, [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]] * 20)
    with np.errstate(all="raise", under="ignore"):
        probs = dawid_skene(votes)
    np.testing.assert_allclose(probs.sum(axis=1), 1)


def test_mistakes_are_one_sentence():
    for options, message in (({"iterations": 0}, "iterations: found 0"), ({"tolerance": 0}, "tolerance: found 0")):
        with pytest.raises(UserError, match=message):
            dawid_skene(np.array([[3, 1]]), **options)
