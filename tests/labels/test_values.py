"""Label sources: published and hand-computed values of each source, and people's real votes."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta, entropy, kstest

from softcifar.data import DATA_SOURCES
from softcifar.labels import (
    adaptive_instance_based,
    adaptive_uniform,
    beta_smoothing,
    class_based,
    confidence_scaled,
    hard,
    human,
    human_thresholded,
    instance_based,
    majority,
    self_distillation,
    shifted_logits,
    teacher,
    uniform,
)
from softcifar.labels.source import spread

MIRROR = Path(os.environ.get("SOFTCIFAR_MIRROR", ""))
FIRST = np.array([0])
TEACHER = np.log(np.array([[0.95, 0.04, 0.01]]))  # the teacher of the published example


def certain_of(p_true: float, classes: int = 4) -> np.ndarray:
    """Logits of a teacher that gives class 0 the probability p_true and the others equal shares."""
    return np.log(np.array([[p_true] + [(1 - p_true) / (classes - 1)] * (classes - 1)]))


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


def test_the_threshold_is_in_nats():
    """Three of four votes: .562 nats, .811 bits."""
    votes = np.array([[3, 1]])
    np.testing.assert_array_equal(human_thresholded(votes, tau=0.6), [[1, 0]])
    np.testing.assert_array_equal(human_thresholded(votes, tau=0.5), [[0.75, 0.25]])


@pytest.mark.skipif(
    not (MIRROR / "cifar-10n/CIFAR-10_human.pt").is_file(),
    reason="SOFTCIFAR_MIRROR names no folder with CIFAR-10N",
)
def test_three_real_votes_give_thirds(tmp_path):
    DATA_SOURCES["cifar10n"].fetch(tmp_path)
    votes = DATA_SOURCES["cifar10n"].read_votes(tmp_path)["train"]
    probs = human(votes)
    assert probs.shape == (50_000, 10)
    np.testing.assert_array_equal(np.unique(probs.round(12)), np.array([0, 1 / 3, 2 / 3, 1]).round(12))
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-15)
    # People agree on most images, and not on all.
    assert 0.5 < (probs.max(axis=1) == 1).mean() < 0.9
    np.testing.assert_array_equal(majority(votes).argmax(axis=1), votes.argmax(axis=1))
    np.testing.assert_array_equal(human_thresholded(votes, tau=0.7) == 1, probs > 0.6)  # H(2/3, 1/3) is .637


def test_uniform_reference():
    np.testing.assert_allclose(uniform(np.array([1]), 10, epsilon=0.1)[0, :3], [0.01, 0.91, 0.01])


def test_teacher_is_its_softmax():
    logits = np.log(np.array([[0.7, 0.2, 0.1]]))
    np.testing.assert_allclose(teacher(logits), [[0.7, 0.2, 0.1]])
    np.testing.assert_allclose(self_distillation(logits), [[0.7, 0.2, 0.1]])
    squared = np.array([0.49, 0.04, 0.01])
    np.testing.assert_allclose(teacher(logits, temperature=0.5)[0], squared / squared.sum())


def test_class_based_spreads_as_the_mean_over_the_class_does():
    """Class 0: mean (.7, .2, .1). Class 1: one image. Class 2 has none, which must not matter."""
    logits = np.log(np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.8, 0.1, 0.1]]))
    found = class_based(np.array([0, 1, 0]), logits, epsilon=0.3)
    np.testing.assert_allclose(found, [[0.7, 0.2, 0.1], [0.12, 0.7, 0.18], [0.7, 0.2, 0.1]])


def test_class_based_is_a_mean_of_probabilities_not_of_logits():
    """An image whose logits are shifted by a constant, or that is far surer, counts for no more than another one."""
    logits = np.log(np.array([[0.6, 0.3, 0.1], [0.98, 0.01, 0.01]]))
    logits[1] += 50
    np.testing.assert_allclose(class_based(np.array([0, 0]), logits, epsilon=0.1)[1], [0.9, 0.1 * 31 / 42, 0.1 * 11 / 42])


def test_class_based_is_defined_where_the_teacher_is_certain():
    found = class_based(np.array([0, 0]), np.array([[1e4, 1.0, 0.0], [1e4, 1.0, 0.0]]), epsilon=0.1)
    share = 0.1 / (1 + np.exp(-1.0))
    np.testing.assert_allclose(found, [[0.9, share, 0.1 - share]] * 2, rtol=1e-9)


def test_instance_based_spreads_as_the_teacher_does():
    logits = np.log(np.array([[0.6, 0.3, 0.1]]))
    np.testing.assert_allclose(instance_based(FIRST, logits, epsilon=0.2), [[0.8, 0.15, 0.05]])
    # At temperature .5 the shares of the others are .09 and .01.
    np.testing.assert_allclose(instance_based(FIRST, logits, epsilon=0.2, temperature=0.5), [[0.8, 0.18, 0.02]])


def test_instance_based_is_defined_where_the_teacher_is_certain():
    """p_y rounds to 1, so 1 - p_y to 0; the wrong classes' own order still decides."""
    found = instance_based(FIRST, np.array([[1000.0, 1.0, 0.0]]), epsilon=0.1)
    share = 0.1 / (1 + np.exp(-1.0))
    np.testing.assert_allclose(found, [[0.9, share, 0.1 - share]], rtol=1e-6)


def test_spread_leaves_its_weights_as_they_were():
    weights = np.array([[3.0, 1.0, 0.0]])
    np.testing.assert_allclose(spread(np.array([0.5]), FIRST, weights).sum(), 1)
    np.testing.assert_array_equal(weights, [[3, 1, 0]])


@pytest.mark.parametrize(("p_true", "mass"), [(0.5, 0.18), (0.6, 0.08), (0.8, 0.0), (1 - 1e-12, 0.08)])
def test_adaptive_mass_reference(p_true, mass):
    """P1 .8, P2 2 (docs/methods.md, Label sources)."""
    calibrated = certain_of(p_true)
    for source, teacher_ in ((adaptive_uniform, ()), (adaptive_instance_based, (3 * calibrated,))):
        found = source(FIRST, *teacher_, calibrated, p1=0.8, p2=2.0)
        assert 1 - found[0, 0] == pytest.approx(mass, abs=1e-9)


def test_adaptive_mass_is_at_most_a_half():
    doubtful = certain_of(0.01)
    assert adaptive_uniform(FIRST, doubtful, p1=0.95, p2=2.0)[0, 0] == pytest.approx(0.5)
    assert adaptive_instance_based(FIRST, doubtful, doubtful, p1=0.95, p2=2.0)[0, 0] == pytest.approx(0.5)


def test_adaptive_mass_is_spread_evenly_or_as_the_teacher_does():
    """p_y .6: .08 to spread, over two classes that the teacher gives .3 and .1."""
    logits = np.log(np.array([[0.6, 0.3, 0.1]]))
    np.testing.assert_allclose(adaptive_uniform(FIRST, logits, p1=0.8, p2=2.0), [[0.92, 0.04, 0.04]])
    np.testing.assert_allclose(adaptive_instance_based(FIRST, logits, logits, p1=0.8, p2=2.0), [[0.92, 0.06, 0.02]])


def test_ils_has_a_temperature_for_its_mass_and_one_for_its_spread():
    """The mass is of the calibrated teacher, .6 on the label; T .5 of the spread squares 3 : 1, of the teacher as it is."""
    logits, calibrated = np.log(np.array([[0.7, 0.225, 0.075]])), np.log(np.array([[0.6, 0.3, 0.1]]))
    mass = 2 * (0.6 - 0.9) ** 2
    found = adaptive_instance_based(FIRST, logits, calibrated, temperature=0.5)
    np.testing.assert_allclose(found, [[1 - mass, 0.9 * mass, 0.1 * mass]])


@pytest.mark.parametrize("temperature", [1, 2, 4, 16])
def test_the_mass_of_ils_does_not_depend_on_the_temperature_of_its_spread(temperature):
    """Logits 6, 4, 1, 0 ..., P1 .9, P2 2: with one temperature for both, .003 at T 1 and the clamp, .5, from T 4 on."""
    logits = np.array([[6.0, 4.0, 1.0, *[0.0] * 7]])
    found = adaptive_instance_based(FIRST, logits, logits, p1=0.9, p2=2.0, temperature=temperature)
    assert 1 - found[0, 0] == pytest.approx(0.0028, abs=1e-4)
    at_one = adaptive_uniform(FIRST, logits / temperature, p1=0.9, p2=2.0)
    assert (1 - at_one[0, 0] == pytest.approx(0.0028, abs=1e-4)) == (temperature == 1)
    assert (1 - at_one[0, 0] == pytest.approx(0.5)) == (temperature >= 4)
    even = found[0, 1:] / found[0, 1:].sum()
    np.testing.assert_allclose(even, np.exp(logits[0, 1:] / temperature) / np.exp(logits[0, 1:] / temperature).sum())


def test_the_published_example_of_shifted_logits():
    """.905 / .076 / .019 from 95 / 4 / 1 %, epsilon .1 (docs/methods.md, Label sources).

    The percentages stand for z - min z. As the lowest z - min z is 0, logits give it with a fourth class at the bottom only;
    from three log-probabilities confidence_scaled gives it.
    """
    logits = np.array([[95.0, 4.0, 1.0, 0.0]])
    for each in (logits, logits / 10 - 3):  # neither scale nor shift counts
        np.testing.assert_allclose(shifted_logits(FIRST, each, epsilon=0.1), [[0.905, 0.076, 0.019, 0]], atol=1e-12)
    np.testing.assert_allclose(confidence_scaled(FIRST, TEACHER, epsilon=0.1), [[0.905, 0.076, 0.019]])


def test_shifted_logits_of_three_log_probabilities():
    """z - min z of the same teacher is (log 95, log 4, 0): all that is smoothed goes to the second class."""
    mass = 0.1 * np.log(95) / np.log(95 * 4)
    np.testing.assert_allclose(shifted_logits(FIRST, TEACHER, epsilon=0.1), [[1 - mass, mass, 0]], atol=1e-12)
    assert mass == pytest.approx(0.076663, abs=1e-6)


def test_shifted_logits_where_the_formula_divides_zero_by_zero():
    alike = shifted_logits(FIRST, np.full((1, 4), 7.0), epsilon=0.2)  # a uniform teacher
    np.testing.assert_allclose(alike, [[0.95, 0.05 / 3, 0.05 / 3, 0.05 / 3]])
    certain = shifted_logits(FIRST, np.array([[5.0, -1.0, -1.0]]), epsilon=0.2)  # all wrong classes at the bottom
    np.testing.assert_allclose(certain, [[0.8, 0.1, 0.1]])
    lowest = shifted_logits(FIRST, np.array([[-1.0, 4.0, 0.0]]), epsilon=0.2)  # the label's own logit is the lowest
    np.testing.assert_array_equal(lowest, [[1, 0, 0]])


@pytest.mark.parametrize(
    ("mass", "spread", "expected"),
    [
        ("confidence", "uniform", [0.905, 0.0475, 0.0475]),
        ("confidence", "instance_based", [0.905, 0.076, 0.019]),
        ("doubt", "uniform", [0.995, 0.0025, 0.0025]),
        ("doubt", "instance_based", [0.995, 0.004, 0.001]),
    ],
)
def test_confidence_scaled_values(mass, spread, expected):
    found = confidence_scaled(FIRST, TEACHER, mass=mass, spread=spread, epsilon=0.1)
    np.testing.assert_allclose(found, [expected])


def test_confidence_scaled_has_one_temperature_for_mass_and_spread():
    squared = np.array([0.95, 0.04, 0.01]) ** 2
    p = squared / squared.sum()
    found = confidence_scaled(FIRST, TEACHER, mass="doubt", epsilon=0.5, temperature=0.5)
    np.testing.assert_allclose(found, [[1 - 0.5 * (1 - p[0]), 0.5 * p[1], 0.5 * p[2]]])


def beta_batch(images: int, seed: int = 0, scale: float = 1.0, classes: int = 5, **options):
    """(labels of a batch, the mass on the label, the student's log odds of the label)."""
    rng = np.random.default_rng(images)
    labels, logits = rng.integers(classes, size=images), scale * rng.standard_normal((images, classes))
    rows = np.arange(images)
    odds = logits[rows, labels] - np.array(
        [np.logaddexp.reduce(np.delete(row, label)) for row, label in zip(logits, labels, strict=True)]
    )
    found = beta_smoothing(labels, logits, seed, **options)
    return found, found[rows, labels], odds


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_beta_smoothing_gives_the_surest_image_the_largest_mass(scale):
    """Also where the student's probabilities round to 1."""
    _, mass, odds = beta_batch(200, scale=scale)
    order = np.argsort(odds)
    assert (np.diff(mass[order]) > 0).all()


@pytest.mark.parametrize("concentration", [0.5, 4.0, 9.0])
def test_beta_smoothing_draws_from_its_beta(concentration):
    _, mass, _ = beta_batch(5000, concentration=concentration)
    assert kstest(mass, beta(concentration, 1).cdf).pvalue > 0.01
    assert mass.mean() == pytest.approx(concentration / (concentration + 1), abs=0.02)


def test_beta_smoothing_is_as_soft_as_label_smoothing_by_default():
    labels, mass, _ = beta_batch(5000)
    assert mass.mean() == pytest.approx(0.9, abs=0.005)
    others = np.sort(labels, axis=1)[:, :-1]  # all but the label, wherever the label has most
    certain = mass > 0.5
    np.testing.assert_allclose(others[certain], np.repeat((1 - mass[certain, None]) / 4, 4, axis=1), atol=1e-12)


def test_beta_smoothing_depends_on_its_seed_alone():
    first, again, other = beta_batch(50, seed=3)[0], beta_batch(50, seed=3)[0], beta_batch(50, seed=4)[0]
    np.testing.assert_array_equal(first, again)
    assert (first != other).all(axis=1).mean() > 0.9


def test_beta_smoothing_of_equally_sure_images_is_in_the_order_of_the_batch():
    sure = np.arange(200) % 2
    mass = beta_smoothing(np.zeros(200, int), np.stack([sure, 1 - sure], axis=1), 0)[:, 0]
    assert (np.diff(mass[sure == 0]) > 0).all()
    assert (np.diff(mass[sure == 1]) > 0).all()
