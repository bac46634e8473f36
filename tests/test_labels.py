"""Label sources: reference values, and the properties that every source has."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from softcifar.errors import UserError
from softcifar.labels import (
    SOURCES,
    adaptive_instance_based,
    hard,
    human,
    human_thresholded,
    instance_based,
    majority,
    teacher,
    uniform,
)
from softcifar.labels.source import inputs


def certain_of(p_true: float, classes: int = 4) -> np.ndarray:
    """Logits of a teacher that gives class 0 the probability p_true and the others equal shares."""
    return np.log(np.array([[p_true] + [(1 - p_true) / (classes - 1)] * (classes - 1)]))


def make_inputs(seed: int, images: int, classes: int, scale: float) -> dict:
    rng = np.random.default_rng(seed)
    return {
        "labels": rng.integers(classes, size=images),
        "num_classes": classes,
        "votes": rng.multinomial(51, rng.dirichlet(np.ones(classes)), size=images),
        "teacher_logits": scale * rng.standard_normal((images, classes)),
    }


def call(name: str, given_: dict, **options):
    return SOURCES[name](*(given_[each] for each in inputs(SOURCES[name])), **options)


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(2, 1000), st.sampled_from([0.0, 1.0, 30.0, 2000.0]))
def test_every_source_gives_distributions(name, seed, images, classes, scale):
    """Mass 1, nothing negative, finite; from a uniform teacher (scale 0) to one that is certain (scale 2000)."""
    probs = call(name, make_inputs(seed, images, classes, scale))
    assert probs.shape == (images, classes)
    assert np.isfinite(probs).all()
    assert (probs >= 0).all()
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("name", SOURCES)
def test_tensors_give_tensors_with_the_same_values(name):
    arrays = make_inputs(0, 8, 5, 2.0)
    tensors = {key: torch.as_tensor(value) if key != "num_classes" else value for key, value in arrays.items()}
    found = call(name, tensors)
    assert isinstance(found, torch.Tensor)
    np.testing.assert_array_equal(found.numpy(), call(name, arrays))


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1), st.integers(0, 1000))
def test_the_true_class_keeps_the_stated_mass(epsilon, seed):
    case = make_inputs(seed, 10, 6, 3.0)
    rows = np.arange(10), case["labels"]
    smooth = uniform(case["labels"], 6, epsilon=epsilon)
    np.testing.assert_allclose(smooth[rows], 1 - epsilon + epsilon / 6, atol=1e-12)
    constant = instance_based(case["labels"], case["teacher_logits"], epsilon=epsilon)
    np.testing.assert_allclose(constant[rows], 1 - epsilon, atol=1e-12)


def test_hard_and_majority():
    np.testing.assert_array_equal(hard(np.array([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
    # A tie goes to the lowest index.
    np.testing.assert_array_equal(majority(np.array([[1, 5, 5], [0, 0, 2]])), [[0, 1, 0], [0, 0, 1]])


def test_human_labels_are_the_votes_shares():
    votes = np.array([[50, 1, 0], [20, 21, 10]])
    np.testing.assert_allclose(human(votes), votes / 51)
    shares = human_thresholded(votes, tau=0.15)
    assert entropy([50, 1]) < 0.15 < entropy([20, 21, 10])
    np.testing.assert_allclose(shares, [[1, 0, 0], [20 / 51, 21 / 51, 10 / 51]])
    np.testing.assert_allclose(human_thresholded(votes, tau=0), human(votes))


def test_uniform_reference():
    np.testing.assert_allclose(uniform(np.array([1]), 10, epsilon=0.1)[0, :3], [0.01, 0.91, 0.01])


def test_teacher_is_its_softmax():
    logits = np.log(np.array([[0.7, 0.2, 0.1]]))
    np.testing.assert_allclose(teacher(logits), [[0.7, 0.2, 0.1]])
    squared = np.array([0.49, 0.04, 0.01])
    np.testing.assert_allclose(teacher(logits, temperature=0.5)[0], squared / squared.sum())


def test_instance_based_spreads_as_the_teacher_does():
    found = instance_based(np.array([0]), np.log(np.array([[0.6, 0.3, 0.1]])), epsilon=0.2)
    np.testing.assert_allclose(found, [[0.8, 0.15, 0.05]])


def test_instance_based_is_defined_where_the_teacher_is_certain():
    """p_y rounds to 1, so 1 - p_y to 0; the wrong classes' own order still decides."""
    found = instance_based(np.array([0]), np.array([[1000.0, 1.0, 0.0]]), epsilon=0.1)
    share = 0.1 / (1 + np.exp(-1.0))
    np.testing.assert_allclose(found, [[0.9, share, 0.1 - share]], rtol=1e-6)


@pytest.mark.parametrize(("p_true", "mass"), [(0.5, 0.18), (0.6, 0.08), (0.8, 0.0), (1 - 1e-12, 0.08)])
def test_adaptive_mass_reference(p_true, mass):
    """P1 .8, P2 2 (methods.md 1)."""
    found = adaptive_instance_based(np.array([0]), certain_of(p_true), p1=0.8, p2=2.0)
    assert 1 - found[0, 0] == pytest.approx(mass, abs=1e-9)


def test_adaptive_mass_is_at_most_a_half():
    found = adaptive_instance_based(np.array([0]), certain_of(0.01), p1=0.95, p2=2.0)
    assert found[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"),
    [
        (uniform, ([0], 3), {"epsilon": 1.5}, "epsilon: found 1.5"),
        (uniform, ([3], 3), {}, "labels: found values 3 to 3; allowed: 0 to 2"),
        (uniform, ([0.5], 3), {}, "labels: found float64"),
        (uniform, ([0], 1), {}, "num_classes: found 1"),
        (instance_based, ([0], np.zeros((2, 3))), {}, r"teacher_logits: found shape \(2, 3\); allowed: \(1, 3\)"),
        (instance_based, ([0], np.zeros((1, 3))), {"temperature": 0}, "temperature: found 0"),
        (teacher, (np.array([[np.nan, 0]]),), {}, "not finite"),
        (human, (np.array([[0, 0]]),), {}, "an image without votes"),
        (adaptive_instance_based, ([0], np.zeros((1, 3))), {"p1": -1}, "p1: found -1"),
    ],
)
def test_mistakes_are_one_sentence(function, arguments, options, message):
    arrays = [np.array(each) if isinstance(each, list) else each for each in arguments]
    with pytest.raises(UserError, match=message):
        function(*arrays, **options)
