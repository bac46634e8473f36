"""LogitNorm: hand-computed values, what it takes no notice of, and its least value."""

import math

import pytest
import torch

from softcifar.errors import UserError
from softcifar.losses import LOSSES, cross_entropy, logit_norm
from tests.losses.helpers import random_case


def test_values_by_hand():
    """Logits 3, 4 have the norm 5: at temperature .2 the loss is that of logits 3, 4, at .04 that of 15, 20."""
    logits = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    assert logit_norm(logits, torch.tensor([0]), temperature=0.2).item() == pytest.approx(math.log1p(math.e), abs=1e-6)
    assert logit_norm(logits, torch.tensor([0])).item() == pytest.approx(5 + math.log1p(math.exp(-5)), abs=1e-5)
    soft = logit_norm(logits, torch.tensor([[0.25, 0.75]], dtype=torch.float64), temperature=0.2).item()
    assert soft == pytest.approx(0.25 + math.log1p(math.exp(-1)), abs=1e-6)


@pytest.mark.parametrize("factor", [0.01, 1000.0])
def test_longer_logits_cost_the_same_and_get_no_gradient(factor):
    logits, labels, _ = random_case(0)
    torch.testing.assert_close(logit_norm(factor * logits, labels), logit_norm(logits, labels), rtol=1e-4, atol=1e-4)
    logits.requires_grad_()
    logit_norm(logits, labels, reduction="sum").backward()
    along = (logits.grad * logits.detach()).sum(dim=1)
    assert along.abs().max() < 1e-5 * logits.grad.norm(dim=1).max()
    assert logits.grad.norm(dim=1).min() > 0


def test_a_smaller_temperature_lets_the_loss_come_nearer_to_zero():
    """The best direction has the label's logit up and all others alike below: sqrt((K - 1)/K) and -1/sqrt(K (K - 1))."""
    classes, label = 10, torch.tensor([0])
    best = torch.full((1, classes), -1 / math.sqrt(classes * (classes - 1)), dtype=torch.float64)
    best[0, 0] = math.sqrt((classes - 1) / classes)
    gap = float(best[0, 0] - best[0, 1])
    for temperature in (1.0, 0.2, 0.04):
        least = math.log1p((classes - 1) * math.exp(-gap / temperature))
        assert logit_norm(best, label, temperature=temperature).item() == pytest.approx(least, rel=1e-4)
        logits, _, _ = random_case(1, batch=200, classes=classes)
        others = logit_norm(logits, torch.zeros(200, dtype=torch.long), temperature=temperature, reduction="none")
        assert others.min().item() > least


def test_classes_that_are_ruled_out_take_no_part():
    logits, labels, _ = random_case(2, classes=4)
    out = torch.full((6, 1), -torch.inf, dtype=torch.float64)
    torch.testing.assert_close(logit_norm(torch.cat([logits, out], dim=1), labels), logit_norm(logits, labels))


def test_logits_of_zero_are_undecided_and_have_a_finite_gradient():
    logits = torch.zeros(1, 4, requires_grad=True)
    loss = logit_norm(logits, torch.tensor([1]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(4))
    assert torch.isfinite(logits.grad).all()


def test_a_network_that_learned_by_it_keeps_short_logits():
    """Two classes that a line separates: by cross-entropy the logits grow without end, here nothing makes them grow."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(200, 2, generator=generator)
    labels = (points[:, 0] > 0).long()
    points[:, 0] += (2 * labels - 1).float()
    lengths = {}
    for name, loss in (("cross_entropy", cross_entropy), ("logit_norm", LOSSES["logit_norm"])):
        torch.manual_seed(0)
        layer = torch.nn.Linear(2, 2)
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.05)
        for _ in range(500):
            optimizer.zero_grad()
            loss(layer(points), labels).backward()
            optimizer.step()
        assert (layer(points).argmax(dim=1) == labels).float().mean() > 0.97, name
        lengths[name] = layer(points).norm(dim=1).mean().item()
    assert lengths["logit_norm"] < lengths["cross_entropy"]


@pytest.mark.parametrize("temperature", [0, -1, math.inf])
def test_temperature_out_of_range(temperature):
    with pytest.raises(UserError, match="temperature: found"):
        logit_norm(torch.zeros(1, 3), torch.tensor([0]), temperature=temperature)
