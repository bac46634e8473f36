"""Adam: torch's own update bit for bit, and going on from saved tensors."""

import copy

import pytest
import torch

from softcifar.training.adam import Adam

RATES = (0.01, 0.02, 0.005, 0.01)


def same(one: dict, two: dict) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def small_network() -> torch.nn.Module:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.BatchNorm2d(5), torch.nn.Flatten(), torch.nn.Linear(20, 2))
    return network.to(memory_format=torch.channels_last)


def set_gradients(network: torch.nn.Module, step: int) -> None:
    images = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(step))
    network(images).square().sum().backward()


@pytest.mark.parametrize("weight_decay", [0.0, 5e-4])
def test_the_update_is_torchs_own_bit_for_bit(weight_decay):
    ours = small_network()
    theirs = copy.deepcopy(ours)
    one = Adam(ours, weight_decay=weight_decay)
    two = torch.optim.Adam(theirs.parameters(), foreach=True, weight_decay=weight_decay)
    for step, lr in enumerate(RATES):
        for network, optimizer in ((ours, one), (theirs, two)):
            optimizer.zero_grad()
            set_gradients(network, step)
        one.step(lr)
        two.param_groups[0]["lr"] = lr
        two.step()
        assert same(ours.state_dict(), theirs.state_dict())


def test_decoupled_decay_and_rates_of_their_own_are_adamw_with_groups():
    ours = small_network()
    theirs = copy.deepcopy(ours)
    factors = [8.0 if name == "1.bias" else 1.0 for name, _ in ours.named_parameters()]
    one = Adam(ours, weight_decay=0.02, decoupled=True, lr_factors=factors)
    # There the decay goes with the rate of the group; here it is the same for all.
    groups = [
        {"params": [each], "lr": 0.01 * factor, "weight_decay": 0.02 / factor}
        for each, factor in zip(theirs.parameters(), factors, strict=True)
    ]
    two = torch.optim.AdamW(groups, foreach=True)
    for step in range(4):
        for network, optimizer in ((ours, one), (theirs, two)):
            optimizer.zero_grad()
            set_gradients(network, step)
        one.step(0.01)
        two.step()
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(own, other)


def test_the_first_step_moves_every_weight_by_the_learning_rate():
    """Kingma & Ba 2015, section 2.1: at the first step the mean gradient over its root mean square is +-1."""
    network = torch.nn.Linear(3, 2, bias=False)
    before = network.weight.detach().clone()
    optimizer = Adam(network, weight_decay=0.0)
    network.weight.grad = torch.tensor([[1.0, -2.0, 30.0], [0.5, -4.0, 0.25]])
    optimizer.step(0.01)
    torch.testing.assert_close(before - network.weight.detach(), 0.01 * network.weight.grad.sign())


def test_saved_tensors_carry_on_as_if_nothing_had_happened():
    whole, stopped = small_network(), small_network()
    one, two = Adam(whole, weight_decay=1e-3), Adam(stopped, weight_decay=1e-3)
    for step, lr in enumerate(RATES):
        if step == 2:
            saved = {name: tensor.clone() for name, tensor in two.tensors().items()}
            two = Adam(stopped, weight_decay=1e-3)
            two.load(saved)
        for network, optimizer in ((whole, one), (stopped, two)):
            optimizer.zero_grad()
            set_gradients(network, step)
            optimizer.step(lr)
    assert same(whole.state_dict(), stopped.state_dict())
    assert same(one.tensors(), two.tensors())


def test_before_the_first_step_there_is_nothing_to_save():
    optimizer = Adam(small_network(), weight_decay=0.0)
    assert optimizer.tensors() == {}
    optimizer.load({})
    assert optimizer.tensors() == {}
