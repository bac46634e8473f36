"""Optimisers and schedules against torch and timm: thousands of steps on random problems."""

import numpy as np
import pytest
import torch
from torch import nn

from softcifar.params.recipe import Recipe
from softcifar.training.adam import Adam
from softcifar.training.schedules import learning_rate
from softcifar.training.sgd import SGD
from tests.peers.conftest import peer

BASE = {
    "network": "mlp", "method": "softmax", "loss": "cross_entropy", "augment": [], "batch_size": 32, "optimizer": "sgd",
    "momentum": 0.9, "nesterov": False, "weight_decay": 0.0, "factor": 0.1, "checkpoint": "last", "choose_by": "nll",
    "precision": "float32",
}  # fmt: skip


def recipe(**changes: object) -> Recipe:
    return Recipe.model_validate(BASE | changes)


def problem(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3)).double()


def step_both(ours, theirs, one, two, rng):
    """The same batch and learning rate for both; afterwards the same weights."""
    images, lr = torch.tensor(rng.standard_normal((16, 6))), float(10 ** rng.uniform(-4, 0))
    for network, optimizer in ((ours, one), (theirs, two)):
        optimizer.zero_grad()
        network(images).logsumexp(dim=1).sum().backward()
    one.step(lr)
    two.param_groups[0]["lr"] = lr
    two.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_sgd_is_torchs(seed):
    rng = np.random.default_rng(seed)
    momentum, weight_decay = float(rng.choice([0.0, 0.5, 0.9])), float(rng.choice([0.0, 5e-4, 0.1]))
    nesterov = bool(momentum and rng.integers(2))
    ours, theirs = problem(seed), problem(seed)
    one = SGD(ours, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    two = torch.optim.SGD(theirs.parameters(), 1.0, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    for _ in range(100):
        step_both(ours, theirs, one, two, rng)


@pytest.mark.parametrize("seed", range(20))
def test_adam_is_torchs(seed):
    rng = np.random.default_rng(seed)
    weight_decay = float(rng.choice([0.0, 5e-4, 0.1]))
    ours, theirs = problem(seed), problem(seed)
    one, two = Adam(ours, weight_decay=weight_decay), torch.optim.Adam(theirs.parameters(), 1.0, weight_decay=weight_decay)
    for _ in range(100):
        step_both(ours, theirs, one, two, rng)


def torchs(make, epochs: int, lr: float) -> list[float]:
    """The rate of each epoch by a scheduler of torch that is stepped once an epoch."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr)
    scheduler, rates = make(optimizer), []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def random_schedules(count: int):
    rng = np.random.default_rng(0)
    for _ in range(count):
        epochs = int(rng.integers(4, 120))
        yield epochs, float(10 ** rng.uniform(-3, 0)), int(rng.integers(1, epochs // 2 + 1)), rng


def test_multistep_is_torchs():
    for epochs, lr, _, rng in random_schedules(100):
        milestones = sorted({int(each) for each in rng.integers(1, epochs, 4)})
        made = recipe(epochs=epochs, lr=lr, warmup=0, schedule="multistep", milestones=milestones, factor=0.3162)
        theirs = torchs(lambda each: torch.optim.lr_scheduler.MultiStepLR(each, milestones, 0.3162), epochs, lr)  # noqa: B023
        np.testing.assert_allclose([learning_rate(made, epoch) for epoch in range(epochs)], theirs, rtol=1e-12)


def test_cosine_is_torchs():
    for epochs, lr, _, _ in random_schedules(100):
        made = recipe(epochs=epochs, lr=lr, warmup=0, schedule="cosine")
        theirs = torchs(lambda each: torch.optim.lr_scheduler.CosineAnnealingLR(each, epochs), epochs, lr)  # noqa: B023
        np.testing.assert_allclose([learning_rate(made, epoch) for epoch in range(epochs)], theirs, rtol=1e-9, atol=1e-12)


def test_cosine_after_a_linear_warmup_is_timms():
    timm = peer("timm.scheduler")
    for epochs, lr, warmup, _ in random_schedules(100):
        made = recipe(epochs=epochs, lr=lr, warmup=warmup, schedule="cosine")
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr)
        theirs = timm.CosineLRScheduler(optimizer, epochs - warmup, warmup_t=warmup, warmup_lr_init=0.0, warmup_prefix=True)
        rates = []
        for epoch in range(epochs):
            theirs.step(epoch)
            rates.append(optimizer.param_groups[0]["lr"])
        np.testing.assert_allclose([learning_rate(made, epoch) for epoch in range(epochs)], rates, rtol=1e-9, atol=1e-12)
