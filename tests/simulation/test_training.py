"""Stacks of small networks: each is an ordinary network, trained by Adam as if it were alone, until it stops."""

import dataclasses

import numpy as np
import pytest
import torch

from softcifar.errors import UserError
from softcifar.labels.beta_smoothing import beta_smoothing
from softcifar.losses import LOSSES
from softcifar.models.mlp import MLP
from softcifar.seeding import derive
from softcifar.simulation import networks
from softcifar.simulation.networks import Stack, activations, gradients, initial, logits
from softcifar.simulation.training import Schedule, Trained, _adam, _batches, train
from softcifar.training.adam import Adam

SIZES = [2, 8, 8, 3]
SCHEDULE = Schedule(lr=0.02, weight_decay=0.0, batch_size=100, epochs=4, patience=4)


def same(one: Stack, two: Stack) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.tensors, two.tensors, strict=True))


def alone(stack: Stack, number: int) -> Stack:
    return stack.pick(torch.tensor([number]))


def assert_close(one: Stack, two: Stack) -> None:
    for a, b in zip(one.tensors, two.tensors, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def as_mlp(stack: Stack, number: int) -> MLP:
    """Network `number` as softcifar.models.mlp builds it."""
    network = MLP(3, 2, width=8, layers=2, dropout=0.0)
    linear = [step for step in network.modules() if isinstance(step, torch.nn.Linear)]
    with torch.no_grad():
        for layer, weight, bias in zip(linear, stack.weights, stack.biases, strict=True):
            layer.weight.copy_(weight[number].T)
            layer.bias.copy_(bias[number, 0])
    return network


def points_of(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points (count, 2) of three classes that overlap, and their labels."""
    labels = np.arange(count) % 3
    middle = np.stack([np.cos(2 * np.pi / 3 * labels), np.sin(2 * np.pi / 3 * labels)], axis=1)
    points = middle + np.random.default_rng(seed).normal(scale=0.6, size=(count, 2))
    return torch.from_numpy(points.astype(np.float32)), torch.from_numpy(labels)


POINTS, LABELS = points_of(21, 0)
VALIDATION = points_of(30, 1)
ONE_HOT = torch.eye(3)[LABELS]
WRONG = ONE_HOT.roll(1, dims=1)  # a network that learns these stops after its first epochs


def trained(
    stack: Stack, targets: torch.Tensor, schedule: Schedule, orders: list[int], online=None, labels=LABELS, losses=None
) -> Trained:
    count = len(stack)
    return train(
        stack, POINTS.expand(count, -1, -1), labels.expand(count, -1), targets, *VALIDATION, schedule, orders, online, losses
    )  # fmt: skip


def nll_of(network: torch.nn.Module) -> float:
    with torch.no_grad():
        return torch.nn.functional.cross_entropy(network(VALIDATION[0]), VALIDATION[1]).item()


def by_torch(
    stack: Stack, number: int, targets: torch.Tensor, schedule: Schedule, order: int
) -> tuple[list[float], list[list[torch.Tensor]]]:
    """torch's own loss, automatic differentiation and Adam: validation NLL and parameters after every epoch."""
    network = as_mlp(stack, number)
    optimizer = torch.optim.Adam(network.parameters(), lr=schedule.lr, weight_decay=schedule.weight_decay)
    nll, parameters = [], []
    for epoch in range(1, schedule.epochs + 1):
        for rows in _batches([order], epoch, len(POINTS), schedule.batch_size):
            rows = torch.arange(len(POINTS)) if rows is None else rows[0]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(POINTS[rows]), targets[rows]).backward()
            optimizer.step()
        nll.append(nll_of(network))
        parameters.append([parameter.detach().clone() for parameter in network.parameters()])
    return nll, parameters


# Networks


def test_a_network_of_the_stack_is_an_mlp(monkeypatch):
    stack = initial([3, 4], SIZES)
    expected = torch.stack([as_mlp(stack, number)(POINTS).detach() for number in range(2)])
    found = activations(stack, POINTS.expand(2, -1, -1))
    assert [tuple(values.shape) for values in found] == [(2, 21, units) for units in SIZES]
    assert torch.equal(found[0], POINTS.expand(2, -1, -1))
    torch.testing.assert_close(found[-1], expected)
    torch.testing.assert_close(logits(stack, POINTS), expected)
    monkeypatch.setattr(networks, "TILE", 8)  # two whole tiles and a part of one
    torch.testing.assert_close(logits(stack, POINTS), expected)


def test_the_initial_weights_are_uniform_as_torchs_own():
    sizes = [50, 100, 80]
    stack = initial([0, 1], sizes)
    assert [tuple(tensor.shape) for tensor in stack.weights] == [(2, 50, 100), (2, 100, 80)]
    assert [tuple(tensor.shape) for tensor in stack.biases] == [(2, 1, 100), (2, 1, 80)]
    for layer, inputs in enumerate(sizes[:-1]):
        bound = inputs**-0.5
        for tensor in (stack.weights[layer], stack.biases[layer]):
            assert tensor.dtype == torch.float32
            assert 0.95 * bound < tensor.abs().max() <= bound
            assert tensor.mean().abs() < 0.1 * bound
        torch_own = torch.nn.Linear(inputs, sizes[layer + 1])
        assert torch_own.weight.abs().max() <= bound
        assert stack.weights[layer].std().item() == pytest.approx(bound / 3**0.5, rel=0.03)
    assert not any(torch.equal(tensor[0], tensor[1]) for tensor in stack.tensors)


def test_initial_weights_depend_on_their_seed_alone():
    stack = initial([5, 9, 2], SIZES)
    for place, seed in enumerate((5, 9, 2)):
        assert same(alone(stack, place), initial([seed], SIZES))


def test_a_stack_is_picked_from_by_number_or_by_truth_value():
    stack = initial([5, 9, 2], SIZES)
    assert len(stack) == 3
    assert same(Stack.of(stack.tensors), stack)
    assert same(stack.pick(torch.tensor([2, 0])), initial([2, 5], SIZES))
    kept = stack.pick(torch.tensor([True, False, True]))
    assert same(kept, initial([5, 2], SIZES))
    kept.weights[0].zero_()
    assert stack.weights[0].abs().min() > 0  # a stack of its own


@pytest.mark.parametrize("sizes", [[2, 3], [4, 5, 3], [2, 8, 6, 3]])
def test_gradients_are_those_of_automatic_differentiation(sizes):
    generator = torch.Generator().manual_seed(0)
    stack = Stack.of([tensor.double().requires_grad_() for tensor in initial([0, 1, 2], sizes).tensors])
    points = torch.randn(3, 10, sizes[0], generator=generator, dtype=torch.float64)
    slope = torch.randn(3, 10, sizes[-1], generator=generator, dtype=torch.float64)
    values = points
    for layer, (weight, bias) in enumerate(zip(stack.weights, stack.biases, strict=True)):
        values = values @ weight + bias
        values = values.relu() if layer < len(stack.weights) - 1 else values
    expected = torch.autograd.grad((values * slope).sum(), stack.tensors)
    with torch.no_grad():
        found = gradients(stack, slope.clone(), activations(stack, points))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


# One step


@pytest.mark.parametrize("weight_decay", [0.0, 5e-4])
def test_a_step_is_that_of_the_students_adam_bit_for_bit(weight_decay):
    stack = initial([0, 1], SIZES)
    module = torch.nn.ParameterList([tensor.clone() for tensor in stack.tensors])
    optimizer = Adam(module, weight_decay=weight_decay)
    moments = [[torch.zeros_like(tensor) for tensor in stack.tensors] for _ in range(2)]
    schedule = dataclasses.replace(SCHEDULE, weight_decay=weight_decay)
    generator = torch.Generator().manual_seed(0)
    for step in range(1, 5):
        slopes = [torch.randn(tensor.shape, generator=generator) for tensor in stack.tensors]
        for parameter, slope in zip(module, slopes, strict=True):
            parameter.grad = slope.clone()
        optimizer.step(schedule.lr)
        _adam(stack.tensors, slopes, *moments, step, schedule)
        assert all(torch.equal(a, b) for a, b in zip(stack.tensors, module, strict=True))


def test_the_batches_of_an_epoch_are_a_permutation_that_the_seed_of_the_order_decides():
    batches = _batches([7, 8, 7], 1, 10, 4)
    assert [tuple(rows.shape) for rows in batches] == [(3, 4), (3, 4), (3, 2)]
    one, other, again = torch.cat(batches, dim=1)
    for rows in (one, other):
        assert rows.sort().values.tolist() == list(range(10))
        assert rows.tolist() != list(range(10))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not torch.equal(one, torch.cat(_batches([7], 2, 10, 4), dim=1)[0])  # another epoch
    assert torch.equal(one, torch.cat(_batches([7], 1, 10, 4), dim=1)[0])  # whatever stands beside it
    assert _batches([7, 8], 1, 10, 10) == [None]
    assert _batches([7, 8], 1, 10, 11) == [None]
    assert [tuple(rows.shape) for rows in _batches([7], 1, 10, 9)] == [(1, 9), (1, 1)]


# Whole trainings


@pytest.mark.parametrize("batch_size", [100, 21, 8])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_training_is_torchs_own(batch_size, weight_decay):
    schedule = dataclasses.replace(SCHEDULE, batch_size=batch_size, weight_decay=weight_decay)
    soft = torch.softmax(torch.randn(21, 3, generator=torch.Generator().manual_seed(0)) + 3 * ONE_HOT, dim=1)
    stack, targets, orders = initial([0, 1], SIZES), torch.stack([ONE_HOT, soft]), [3, 4]
    before, wanted = initial([0, 1], SIZES), targets.clone()
    found = trained(stack, targets, schedule, orders)
    for number in range(2):
        nll, parameters = by_torch(stack, number, targets[number], schedule, orders[number])
        assert nll == sorted(nll, reverse=True)  # so that the last epoch is the best one
        assert (found.best_epoch[number], found.epochs[number]) == (4, 4)
        assert found.validation_nll[number] == pytest.approx(nll[-1], rel=1e-5)
        for ours, theirs in zip(as_mlp(found.stack, number).parameters(), parameters[-1], strict=True):
            torch.testing.assert_close(ours.detach(), theirs, rtol=1e-4, atol=1e-5)
    assert same(stack, before)  # what was given is left alone
    assert torch.equal(targets, wanted)


@pytest.mark.parametrize("patience", [1, 3, 30])
def test_a_network_stops_after_epochs_without_a_better_one_and_keeps_its_best(patience):
    schedule = dataclasses.replace(SCHEDULE, lr=0.05, epochs=30, patience=patience)
    stack = initial(range(6), SIZES)
    noisy = torch.eye(3)[torch.randint(3, (21,), generator=torch.Generator().manual_seed(0))]
    targets = torch.stack([ONE_HOT, noisy, WRONG] * 2)
    found = trained(stack, targets, schedule, [0] * 6)
    epochs = []
    for number in range(6):
        nll, parameters = by_torch(stack, number, targets[number], schedule, 0)
        best = [int(np.argmin(nll[:end])) + 1 for end in range(1, 31)]
        stop = next((end for end in range(1, 31) if end - best[end - 1] == patience), 30)
        assert (found.epochs[number], found.best_epoch[number]) == (stop, best[stop - 1])
        assert found.validation_nll[number] == pytest.approx(nll[best[stop - 1] - 1], rel=1e-4)
        for ours, theirs in zip(as_mlp(found.stack, number).parameters(), parameters[best[stop - 1] - 1], strict=True):
            torch.testing.assert_close(ours.detach(), theirs, rtol=1e-3, atol=1e-4)
        epochs.append(stop)
    assert len(set(epochs)) >= (1 if patience == 30 else 3)
    recomputed = [nll_of(as_mlp(found.stack, number)) for number in range(6)]
    np.testing.assert_allclose(found.validation_nll, recomputed, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [100, 8])
def test_a_network_ends_the_same_whatever_stands_beside_it(batch_size):
    """Up to rounding: a batched product may sum in another order where there are more networks."""
    schedule = dataclasses.replace(SCHEDULE, batch_size=batch_size, epochs=25, patience=2, lr=0.05)
    stack, orders = initial(range(5), SIZES), [0, 1, 0, 1, 2]
    targets = torch.stack([WRONG, ONE_HOT, ONE_HOT, WRONG, ONE_HOT * 0.9 + 0.1 / 3])
    found = trained(stack, targets, schedule, orders)
    for number in range(5):
        one = trained(alone(stack, number), targets[number : number + 1], schedule, orders[number : number + 1])
        assert_close(alone(found.stack, number), one.stack)
        assert (found.epochs[number], found.best_epoch[number]) == (one.epochs[0], one.best_epoch[0])
    assert len(set(found.epochs)) > 2


def test_a_loss_that_is_no_longer_finite_names_the_learning_rate():
    schedule = dataclasses.replace(SCHEDULE, lr=1e30)
    message = r"lr: a network's validation loss is no longer finite in epoch \d with lr 1e\+30; allowed: a lower learning rate"
    with pytest.raises(UserError, match=message):
        trained(initial([0], SIZES), ONE_HOT[None], schedule, [0])

    def made(labels: np.ndarray, values: np.ndarray, seed: int) -> np.ndarray:
        return beta_smoothing(labels, values, seed)  # refuses such logits in words of its own

    with pytest.raises(UserError, match=message):
        trained(initial([0], SIZES), ONE_HOT[None], dataclasses.replace(schedule, batch_size=5), [0], {0: made})


# Targets that are made during training


def test_online_targets_are_made_from_the_labels_and_logits_of_the_batch():
    """Labels are the points' own numbers here, so that they tell which points a batch had."""
    stack, calls = initial([0, 1], SIZES), []

    def made(labels: np.ndarray, values: np.ndarray, seed: int) -> np.ndarray:
        calls.append((labels.copy(), values.copy(), seed))
        return np.full((len(labels), 3), 1 / 3)

    schedule = dataclasses.replace(SCHEDULE, batch_size=8, epochs=2)
    trained(stack, torch.stack([ONE_HOT, ONE_HOT]), schedule, [3, 4], {1: made}, labels=torch.arange(21))
    assert [len(labels) for labels, _, _ in calls] == [8, 8, 5] * 2
    for epoch in range(2):
        seen = np.concatenate([labels for labels, _, _ in calls[3 * epoch : 3 * epoch + 3]])
        np.testing.assert_array_equal(np.sort(seen), np.arange(21))
    labels, values, _ = calls[0]  # before the first step, so of the initial network
    np.testing.assert_allclose(values, logits(alone(stack, 1), POINTS[labels])[0].numpy(), atol=1e-6)
    assert [seed for _, _, seed in calls] == [derive(4, "labels", step) for step in range(1, 7)]


@pytest.mark.parametrize("batch_size", [100, 8])
def test_online_targets_teach_their_network_and_no_other(batch_size):
    """Network 0 stops first, so that the others move to new places in the stack."""
    schedule = dataclasses.replace(SCHEDULE, batch_size=batch_size, epochs=12, patience=2)
    stack, orders = initial(range(4), SIZES), [0, 1, 2, 3]

    def little(labels: np.ndarray, values: np.ndarray, seed: int) -> np.ndarray:
        return 0.7 * np.eye(3)[labels] + 0.1

    def much(labels: np.ndarray, values: np.ndarray, seed: int) -> np.ndarray:
        return 0.4 * np.eye(3)[labels] + 0.2

    given = torch.stack([WRONG, ONE_HOT, ONE_HOT, ONE_HOT])
    labels = torch.stack([(LABELS + 1) % 3, LABELS, LABELS, LABELS])  # each network reads its own row
    found = trained(stack, given, schedule, orders, {1: much, 2: little}, labels)
    expected = trained(stack, torch.stack([WRONG, 0.4 * ONE_HOT + 0.2, 0.7 * ONE_HOT + 0.1, ONE_HOT]), schedule, orders)
    assert same(found.stack, expected.stack)
    assert not same(found.stack, trained(stack, given, schedule, orders).stack)
    assert found.epochs[0] < found.epochs[1:].min()


def test_online_targets_follow_the_network_as_it_learns():
    seen = []

    def made(labels: np.ndarray, values: np.ndarray, seed: int) -> np.ndarray:
        seen.append(values.copy())
        return np.eye(3)[labels]

    found = trained(initial([0], SIZES), ONE_HOT[None], SCHEDULE, [0], {0: made})
    assert len(seen) == 4
    assert found.best_epoch[0] == 4
    plain = [trained(initial([0], SIZES), ONE_HOT[None], dataclasses.replace(SCHEDULE, epochs=e), [0]) for e in (1, 2, 3)]
    for values, before in zip(seen[1:], plain, strict=True):
        np.testing.assert_allclose(values, logits(before.stack, POINTS)[0].numpy(), atol=1e-5)


# Losses


@pytest.mark.parametrize("batch_size", [100, 8])
def test_cross_entropy_as_a_loss_trains_as_the_built_in_one(batch_size):
    """Network 0 stops first, so that the others move to new places in the stack."""
    schedule = dataclasses.replace(SCHEDULE, batch_size=batch_size, epochs=12, patience=2)
    stack, targets = initial(range(3), SIZES), torch.stack([WRONG, ONE_HOT, ONE_HOT * 0.7 + 0.1])
    found = trained(stack, targets, schedule, [0, 1, 2], losses=dict.fromkeys((0, 2), LOSSES["cross_entropy"]))
    expected = trained(stack, targets, schedule, [0, 1, 2])
    assert_close(found.stack, expected.stack)
    assert found.epochs[0] < found.epochs[1:].min()


def test_a_loss_teaches_its_network_and_no_other():
    stack, targets = initial(range(2), SIZES), torch.stack([ONE_HOT, ONE_HOT])
    plain = trained(stack, targets, SCHEDULE, [0, 1])
    found = trained(stack, targets, SCHEDULE, [0, 1], losses={1: LOSSES["soft_bootstrapping"]})
    assert same(alone(found.stack, 0), alone(plain.stack, 0))
    assert not same(alone(found.stack, 1), alone(plain.stack, 1))
