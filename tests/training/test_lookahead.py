"""Lookahead: by hand, its end, its statistics, and going on from saved tensors."""

import copy

import pytest
import torch

from softcifar.training.lookahead import Lookahead
from softcifar.training.loop import train
from softcifar.training.sgd import SGD
from softcifar.training.state import load_state
from tests.training.helpers import CPU, Killed, make_task, no_progress, same


def plain(network: torch.nn.Module) -> SGD:
    return SGD(network, momentum=0.9, nesterov=True, weight_decay=0.0)


def make_network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 2))


def step(network: torch.nn.Module, optimizer: SGD | Lookahead, number: int) -> None:
    optimizer.zero_grad()
    network(torch.rand(6, 4, generator=torch.Generator().manual_seed(number))).square().mean().backward()
    optimizer.step(0.01)


def test_by_hand():
    """Weight 1, gradient 1, lr .1: .9, .8, then the slow weight moves from 1 to d 1 + (1 - d) .8, d = .5^2 (2 / 3)^3."""
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    lookahead = Lookahead(SGD(layer, momentum=0.0, nesterov=False, weight_decay=0.0), layer, every=2, decay=0.5, total=3)
    d, found = 0.25 * 8 / 27, []
    for _ in range(3):
        layer.weight.grad = torch.ones(1, 1)
        lookahead.step(0.1)
        found.append(layer.weight.item())
    assert found == pytest.approx([0.9, d + (1 - d) * 0.8, d + (1 - d) * 0.8])  # the last step's own move is not kept


def test_between_its_moves_it_is_the_optimizer():
    one, two = make_network(), make_network()
    with_slow, without = Lookahead(plain(one), one, every=3, decay=0.9, total=100), plain(two)
    for number in range(2):
        step(one, with_slow, number)
        step(two, without, number)
    assert same(one.state_dict(), two.state_dict())
    step(one, with_slow, 2)
    step(two, without, 2)
    assert not torch.equal(one[0].weight, two[0].weight)
    assert not torch.equal(one[1].running_mean, two[1].running_mean)  # batch norm's statistics are averaged too
    assert torch.equal(one[0].weight, with_slow.slow["0.weight"])


def test_saved_tensors_carry_on_as_if_nothing_had_happened():
    whole, stopped = make_network(), make_network()
    one, two = (Lookahead(plain(each), each, every=3, decay=0.9, total=8) for each in (whole, stopped))
    for number in range(8):
        if number == 4:
            saved = {name: tensor.clone() for name, tensor in two.tensors().items()}
            stopped = copy.deepcopy(stopped)
            two = Lookahead(plain(stopped), stopped, every=3, decay=0.9, total=8)
            two.load(saved)
        step(whole, one, number)
        step(stopped, two, number)
    assert all(each.isfinite().all() for each in whole.state_dict().values())
    assert same(whole.state_dict(), stopped.state_dict())
    assert same(one.tensors(), two.tensors())


def test_a_killed_run_ends_in_the_same_bytes(splits, tmp_path):
    task = make_task(splits, lookahead={"every": 3, "decay": 0.95}, checkpoint="last", norm_bias_lr=8, decoupled=True)
    whole = train(task, CPU, tmp_path / "whole", no_progress)

    def kill(*_: object) -> None:
        if load_state(tmp_path / "killed").epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    assert same(whole.best, train(task, CPU, tmp_path / "killed", no_progress).best)
    without = train(make_task(splits, checkpoint="last", norm_bias_lr=8, decoupled=True), CPU, tmp_path / "other", no_progress)
    assert not same(whole.best, without.best)
