"""Losses: published values, limits, gradients and extreme logits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from softcifar.errors import UserError
from softcifar.losses import LOSSES, cross_entropy, distillation, label_relaxation
from tests.losses.helpers import logits_with, random_case


@pytest.mark.parametrize(("p_true", "expected"), [(0.1, 1.757780), (0.5, 0.368064), (0.9, 0.0), (0.95, 0.0)])
def test_label_relaxation_reference_values(p_true, expected):
    """alpha .1 (docs/methods.md, Losses); at and above 1 - alpha the loss is 0."""
    assert label_relaxation(logits_with(p_true), torch.tensor([0])).item() == pytest.approx(expected, abs=1e-6)


def test_label_relaxation_is_its_closed_form_on_hard_labels():
    logits, labels, _ = random_case(0, batch=50)
    p_true = logits.softmax(1)[torch.arange(50), labels]
    closed = 0.8 * torch.log(0.8 / p_true) + 0.2 * torch.log(0.2 / (1 - p_true))
    expected = torch.where(p_true >= 0.8, 0.0, closed)
    torch.testing.assert_close(label_relaxation(logits, labels, alpha=0.2, reduction="none"), expected)


@pytest.mark.parametrize("seed", range(4))
def test_label_relaxation_on_soft_targets_is_the_smallest_divergence_of_the_credal_set(seed):
    logits, _, targets = random_case(seed, batch=1, classes=4)
    probs, lower = logits.softmax(1)[0].numpy(), 0.7 * targets[0].numpy()
    found = minimize(
        lambda q: (q * np.log(q / probs)).sum(),
        x0=lower + 0.3 / 4,
        bounds=[(low + 1e-9, 1) for low in lower],
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    assert label_relaxation(logits, targets, alpha=0.3).item() == pytest.approx(max(found.fun, 0), abs=1e-5)


def test_label_relaxation_gradient_is_p_minus_projection_outside_and_zero_inside():
    logits = torch.cat([logits_with(0.3), logits_with(0.97)]).requires_grad_()
    label_relaxation(logits, torch.tensor([0, 0]), reduction="sum").backward()
    p = logits.detach().softmax(1)
    projection = 0.1 * p[0] / (1 - p[0, 0])
    projection[0] = 0.9
    torch.testing.assert_close(logits.grad[0], p[0] - projection)
    assert (logits.grad[1] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_label_relaxation_with_tiny_alpha_is_cross_entropy(dtype):
    logits, labels, _ = random_case(1)
    found = label_relaxation(logits.to(dtype), labels, alpha=1e-9).item()
    assert found == pytest.approx(cross_entropy(logits, labels).item(), abs=1e-5)


def test_cross_entropy_equals_torch():
    logits, labels, targets = random_case(2)
    reference = torch.nn.functional.cross_entropy
    for given_ in (labels, targets):
        for reduction in ("mean", "sum", "none"):
            torch.testing.assert_close(
                cross_entropy(logits, given_, reduction=reduction), reference(logits, given_, reduction=reduction)
            )


def taught(logits: torch.Tensor, labels_or_targets: torch.Tensor, **options) -> torch.Tensor:
    """Distillation from a fixed teacher, which rules out the classes that the student rules out."""
    teacher = 2 * torch.arange(logits.numel(), dtype=torch.float64).sin().reshape(logits.shape)
    return distillation(logits, teacher.masked_fill(logits.detach() == -torch.inf, -torch.inf), labels_or_targets, **options)


EVERY = {**LOSSES, "distillation": taught}


@pytest.mark.parametrize("name", EVERY)
class TestEveryLoss:
    def test_gradient(self, name):
        logits, labels, targets = random_case(3)
        for given_ in (labels, targets):
            assert torch.autograd.gradcheck(lambda z, t=given_: EVERY[name](z, t), logits.clone().requires_grad_())

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize(
        "row",
        [
            [1e4, -1e4, 0, 0],
            [-1e4, 1e4, 0, 0],
            [1e4, 1e4, -1e4, -1e4],
            [-torch.inf, 0, -torch.inf, -torch.inf],
            [-torch.inf, -1e4, -torch.inf, 1e4],
        ],
    )
    def test_extreme_logits_stay_finite(self, name, dtype, row):
        """Logits of +-1e4, for a right and a wrong class; -inf on wrong classes. The label is class 1."""
        blend = [0.0, 0.75, 0.0, 0.25] if row[3] > -torch.inf else [0.0, 1.0, 0.0, 0.0]
        for given_ in (torch.tensor([1]), torch.tensor([blend], dtype=dtype)):
            logits = torch.tensor([row], dtype=dtype, requires_grad=True)
            loss = EVERY[name](logits, given_)
            loss.backward()
            assert torch.isfinite(loss)
            assert torch.isfinite(logits.grad).all()

    def test_autocast_computes_in_float32(self, name):
        """A bfloat16 network under autocast: the loss is that of its rounded logits, and the gradient reaches the weights."""
        logits, labels, targets = random_case(4)
        layer = torch.nn.Linear(5, 5)
        for given_ in (labels, targets.float(), targets.bfloat16()):
            layer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                low = layer(logits.float())
                assert low.dtype == torch.bfloat16
                loss = EVERY[name](low, given_)
            assert loss.dtype == torch.float32
            assert loss.item() == EVERY[name](low.float(), given_).item()
            loss.backward()
            assert (layer.weight.grad != 0).any()

    def test_one_hot_targets_equal_labels(self, name):
        logits, labels, _ = random_case(5)
        one_hot = torch.eye(5, dtype=torch.float64)[labels]
        torch.testing.assert_close(EVERY[name](logits, labels), EVERY[name](logits, one_hot))

    def test_reductions(self, name):
        """'none' gives each image's loss, whatever is beside it; 'mean' and 'sum' are taken over the batch."""
        logits, labels, targets = random_case(6)
        for given_ in (labels, targets):
            each = EVERY[name](logits, given_, reduction="none")
            assert each.shape == (6,)
            torch.testing.assert_close(EVERY[name](logits, given_, reduction="mean"), each.sum() / 6)
            torch.testing.assert_close(EVERY[name](logits, given_, reduction="sum"), each.sum())
            torch.testing.assert_close(EVERY[name](logits[:1], given_[:1], reduction="none"), each[:1])

    def test_a_constant_added_to_the_logits_changes_nothing(self, name):
        if name == "logit_norm":
            pytest.skip("it is of the logits' direction, which a constant turns")
        logits, _, targets = random_case(7)
        torch.testing.assert_close(EVERY[name](logits + 100, targets), EVERY[name](logits, targets))

    @pytest.mark.parametrize("wrong", [torch.zeros(3), torch.zeros(6, 4), torch.zeros(6, 5, dtype=torch.long), torch.zeros(6)])
    def test_wrong_targets_are_one_sentence(self, name, wrong):
        with pytest.raises(UserError, match="labels_or_targets: found"):
            EVERY[name](random_case(6)[0], wrong)

    def test_unknown_reduction(self, name):
        with pytest.raises(UserError, match="allowed: mean, sum, none"):
            EVERY[name](*random_case(6)[:2], reduction="max")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.95), st.integers(2, 30))
def test_label_relaxation_never_exceeds_the_divergence_of_any_member(seed, alpha, classes):
    """The target itself and its blend with the prediction are members of the set, so the minimum is at most theirs."""
    logits, _, targets = random_case(seed, batch=4, classes=classes)
    probs = logits.softmax(1)
    member = (1 - alpha) * targets + alpha * probs
    divergence = (torch.xlogy(member, member) - member * probs.log()).sum(1)
    loss = label_relaxation(logits, targets, alpha=alpha, reduction="none")
    assert (loss <= divergence + 1e-9).all()
    assert (loss >= -1e-12).all()


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5])
def test_alpha_out_of_range(alpha):
    with pytest.raises(UserError, match="alpha: found"):
        label_relaxation(torch.zeros(1, 3), torch.tensor([0]), alpha=alpha)
