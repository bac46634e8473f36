"""Simulated methods and their scores: grids, targets, and teachers that did not see the points that they label."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from softcifar import metrics
from softcifar.calibrators.temperature import fit_temperature
from softcifar.data.gaussians import fetch, read_data_sets
from softcifar.errors import UserError
from softcifar.labels.adaptive_mass import adaptive_instance_based
from softcifar.labels.beta_smoothing import beta_smoothing
from softcifar.labels.instance_based import instance_based
from softcifar.losses import soft_bootstrapping
from softcifar.params.simulation import SimulatedMethod
from softcifar.seeding import derive
from softcifar.simulation import teachers
from softcifar.simulation.methods import TeacherLogits, candidates, grid, loss, needs_teacher, targets
from softcifar.simulation.networks import Stack, initial, logits
from softcifar.simulation.scores import SCORES, by_probability, divergences, scores, validation_scores
from softcifar.simulation.teachers import teach
from softcifar.simulation.training import Schedule, train
from softcifar.training.crossfit import fold_of


def method(**entry) -> SimulatedMethod:
    return SimulatedMethod.model_validate(entry)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[str, dict[str, np.ndarray]]:
    """One data set: 18 training and 15 validation points."""
    folder = tmp_path_factory.mktemp("drawn")
    fetch(folder, data_sets=1, train=6, validation=5, test=1)
    return {split: {name: values[0] for name, values in arrays.items()} for split, arrays in read_data_sets(folder)[1].items()}


# Methods


def test_a_grid_is_every_combination_the_last_option_varying_fastest():
    found = grid(method(source="adaptive_uniform", p2=[1, 2], p1=[0.8, 0.9, 0.95]))
    assert found == [{"p1": p1, "p2": p2} for p1 in (0.8, 0.9, 0.95) for p2 in (1, 2)]
    assert grid(method(source="uniform", epsilon=0.2)) == grid(method(source="hard")) == [{}]


def test_every_method_has_as_many_candidates_as_the_budget():
    listed = method(source="uniform", epsilon=[0.1, 0.2, 0.3])
    assert candidates(listed, 3) == [{"epsilon": 0.1}, {"epsilon": 0.2}, {"epsilon": 0.3}]
    assert candidates(method(source="hard"), 3) == [{}] * 3
    assert candidates(method(source="uniform", epsilon=[0.1]), 3) == [{"epsilon": 0.1}] * 3


def test_which_methods_need_teachers():
    entries = {"source": ("self_distillation", "adaptive_uniform", "hard", "beta_smoothing"), "scaled": ("hard",)}
    found = [needs_teacher(method(**{key: name})) for key, names in entries.items() for name in names]
    assert found == [True, True, False, False, False]


LABELS = np.array([0, 2, 1, 1])
TEACHER = TeacherLogits(np.random.default_rng(0).normal(scale=3, size=(4, 3)), 2.5)


@pytest.mark.parametrize("calibrated", [True, False])
def test_targets_are_the_sources_with_the_chosen_options(calibrated):
    ils2 = method(source="instance_based", epsilon=[0.1, 0.2], temperature=4, calibrated=calibrated)
    found, online = targets(ils2, {"epsilon": 0.2}, LABELS, 3, TEACHER)
    given = TEACHER.logits / 2.5 if calibrated else TEACHER.logits
    np.testing.assert_allclose(found, instance_based(LABELS, given, epsilon=0.2, temperature=4))
    assert online is None


def test_ils_gets_the_teachers_logits_and_the_calibrated_ones():
    ils = method(source="adaptive_instance_based", p1=[0.6, 0.9], p2=1.5)
    found, _ = targets(ils, {"p1": 0.6}, LABELS, 3, TEACHER)
    np.testing.assert_allclose(found, adaptive_instance_based(LABELS, TEACHER.logits, TEACHER.logits / 2.5, p1=0.6, p2=1.5))


def test_targets_without_a_teacher():
    found, online = targets(method(source="uniform", epsilon=[0.1, 0.3]), {"epsilon": 0.3}, LABELS, 3, None)
    np.testing.assert_allclose(found, 0.7 * np.eye(3)[LABELS] + 0.1)
    assert online is None


@pytest.mark.parametrize(
    ("entry", "chosen", "expected"),
    [
        ({"source": "beta_smoothing", "concentration": [2, 5]}, {"concentration": 5},
         lambda y, z, seed: beta_smoothing(y, z, seed, concentration=5)),
    ],
)  # fmt: skip
def test_online_targets_start_as_one_hot_and_come_with_their_maker(entry, chosen, expected):
    found, online = targets(method(**entry), chosen, LABELS, 3, None)
    np.testing.assert_array_equal(found, np.eye(3)[LABELS])
    np.testing.assert_array_equal(online(LABELS, TEACHER.logits, 7), expected(LABELS, TEACHER.logits, 7))


def test_a_loss_has_its_own_options_and_the_chosen_ones():
    own = method(source="uniform", epsilon=[0.1, 0.2], loss={"name": "soft_bootstrapping", "beta": [0.5, 0.9]})
    assert grid(own) == [{"epsilon": e, "loss.beta": b} for e in (0.1, 0.2) for b in (0.5, 0.9)]
    chosen = {"epsilon": 0.2, "loss.beta": 0.5}
    wanted, _ = targets(own, chosen, LABELS, 3, None)
    given = torch.from_numpy(TEACHER.logits), torch.from_numpy(wanted)
    np.testing.assert_allclose(wanted.max(axis=1), 0.8 + 0.2 / 3)
    assert loss(own, chosen)(*given) == soft_bootstrapping(*given, beta=0.5)
    assert loss(method(source="hard"), {}) is None


# Teachers

SIZES, SCHEDULE = [2, 8, 8, 3], Schedule(lr=0.03, weight_decay=0.0, batch_size=5, epochs=8, patience=8)


def taught(data, labels=None, folds=3, fold_seed=0) -> TeacherLogits:
    labels = data["train"]["labels"] if labels is None else labels
    validation = (torch.from_numpy(data["validation"]["points"]), torch.from_numpy(data["validation"]["labels"]))
    points = torch.from_numpy(data["train"]["points"])
    how = {"folds": folds, "sizes": SIZES, "schedule": SCHEDULE, "init": 1, "order": 2, "fold_seed": fold_seed}
    return teach(points, labels, 3, validation, **how)


def teacher_of(data, rows: np.ndarray, number: int) -> Stack:
    """Teacher `number`, trained on these rows alone."""
    points, labels = torch.from_numpy(data["train"]["points"][rows]), torch.from_numpy(data["train"]["labels"][rows])
    validation = (torch.from_numpy(data["validation"]["points"]), torch.from_numpy(data["validation"]["labels"]))
    stack, orders = initial([derive(1, "teacher", number)], SIZES), [derive(2, "teacher", number)]
    return train(stack, points[None], labels[None], torch.eye(3)[labels][None], *validation, SCHEDULE, orders).stack


# Four folds of 18 points have two sizes; the training sets of 13 and of 14 points are two stacks.
UNEQUAL = np.array([0, 1, 2, 3] * 4 + [0, 1])


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_no_point_is_taught_by_a_network_that_saw_its_label(data, monkeypatch, number):
    monkeypatch.setattr(teachers, "fold_of", lambda labels, folds, seed: UNEQUAL)
    labels, mine = data["train"]["labels"], number == UNEQUAL
    before = taught(data, folds=4).logits
    after = taught(data, np.where(mine, (labels + 1) % 3, labels), folds=4).logits
    np.testing.assert_array_equal(after[mine], before[mine])
    assert (after[~mine] != before[~mine]).all(axis=1).all()


def test_every_teacher_learns_all_folds_but_its_own(data, monkeypatch):
    monkeypatch.setattr(teachers, "fold_of", lambda labels, folds, seed: UNEQUAL)
    found, train_split = taught(data, folds=4), data["train"]
    assert (found.logits.shape, found.logits.dtype) == ((18, 3), np.float32)
    for number in range(4):
        mine = number == UNEQUAL
        expected = logits(teacher_of(data, np.flatnonzero(~mine), number), torch.from_numpy(train_split["points"][mine]))
        np.testing.assert_allclose(found.logits[mine], expected[0].numpy(), atol=1e-4)
    assert found.temperature == fit_temperature(found.logits[None], train_split["labels"])


def test_the_folds_are_stratified_and_the_seed_decides_them(data, monkeypatch):
    seen = []
    monkeypatch.setattr(teachers, "fold_of", lambda *given: seen.append(fold_of(*given)) or seen[-1])
    one, again, other = (taught(data, fold_seed=seed) for seed in (0, 0, 1))
    labels = data["train"]["labels"]
    assert all(np.bincount(labels[seen[0] == number]).tolist() == [2, 2, 2] for number in range(3))
    np.testing.assert_array_equal(one.logits, again.logits)
    assert not np.array_equal(one.logits, other.logits)


def test_a_single_teacher_sees_every_point_and_its_temperature_is_of_validation(data):
    found = taught(data, folds=1)
    stack = teacher_of(data, np.arange(18), 0)
    np.testing.assert_allclose(found.logits, logits(stack, torch.from_numpy(data["train"]["points"]))[0].numpy(), atol=1e-4)
    on_validation = logits(stack, torch.from_numpy(data["validation"]["points"])).numpy()
    assert found.temperature == pytest.approx(fit_temperature(on_validation, data["validation"]["labels"]), rel=1e-3)
    assert found.temperature != pytest.approx(fit_temperature(found.logits[None], data["train"]["labels"]), rel=1e-2)


def test_more_folds_than_points_of_a_class_are_refused(data):
    with pytest.raises(UserError, match="found folds 7, but a class has 6 training"):
        taught(data, folds=7)


# Scores


def test_scores_of_four_points_by_hand():
    probs = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])
    exact = np.array([[0.5, 0.5, 0.0], [0.1, 0.6, 0.3], [0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])
    labels, dense = np.array([0, 1, 1, 0]), np.array([True, True, True, False])
    found = scores(probs, labels, exact, dense, 10)
    assert tuple(found) == SCORES
    assert (found["accuracy"], found["dense_accuracy"], found["sparse_accuracy"]) == (0.5, pytest.approx(2 / 3), 0.0)
    assert found["nll"] == pytest.approx(-np.log([0.7, 0.6, 0.25, 0.2]).mean())
    assert found["kl"] == pytest.approx((0.5 * np.log(0.5 / 0.7) + 0.5 * np.log(0.5 / 0.2)) / 4)
    assert found["ece"] == metrics.expected_calibration_error(probs, labels, bins=10)
    assert found["classwise_ece"] == metrics.classwise_calibration_error(probs, labels, bins=10)
    assert np.isnan(scores(probs, labels, exact, np.ones(4, bool), 10)["sparse_accuracy"])
    assert np.isnan(scores(probs, labels, exact, np.zeros(4, bool), 10)["dense_accuracy"])


def test_validation_scores_are_of_the_scaled_prediction():
    labels = np.array([0, 2, 2, 1])
    for temperature in (1.0, 2.5):
        probs = softmax(TEACHER.logits / temperature, axis=1)
        expected = {
            "nll": -np.log(probs[np.arange(4), labels]).mean(),
            "accuracy": (probs.argmax(axis=1) == labels).mean(),
            "ece": metrics.expected_calibration_error(probs, labels, bins=10),
        }
        assert validation_scores(TEACHER.logits, labels, 10, temperature) == pytest.approx(expected)


def test_divergences_are_summed_by_probability():
    exact = np.array([[0.5, 0.5, 0.0], [0.1, 0.6, 0.3]])
    probs = np.array([[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]], [[0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]])
    found = divergences(np.log(probs), exact)
    assert found == pytest.approx(
        np.array([[metrics.kl_divergence(exact[n][None], p[n][None]) for n in (0, 1)] for p in probs])
    )
    sums, counts = by_probability(np.array([[1.0, 2, 4, 8, 16], [0, 0, 0, 1, 0]]), np.array([0.0, 0.05, 0.31, 0.99, 1.0]))
    assert sums.tolist() == [[3, 0, 0, 4, 0, 0, 0, 0, 0, 24], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]
    assert counts.tolist() == [2, 0, 0, 1, 0, 0, 0, 0, 0, 2]
