"""Focal loss, confidence penalty and distillation: values, limits, gradients, and what they do to a trained network."""

import math

import numpy as np
import pytest
import torch
from scipy.special import softmax

from softcifar.errors import UserError
from softcifar.losses import LOSSES, confidence_penalty, cross_entropy, distillation, focal, soft_bootstrapping
from tests.losses.helpers import logits_with, random_case

FIRST = torch.tensor([0])


@pytest.mark.parametrize(
    ("p_true", "gamma", "expected"),
    [(0.5, 2, 0.173287), (0.9, 2, 0.00105361), (0.1, 2, 1.865094), (0.5, 0.5, 0.490129), (0.9, 5, 1.053605e-6)],
)
def test_focal_reference_values(p_true, gamma, expected):
    """-(1 - p_y)^gamma log p_y; at .9 and gamma 2 a hundredth of the cross-entropy, as section 3.2 of the paper says."""
    assert focal(logits_with(p_true), FIRST, gamma=gamma).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1, 2, 5])
def test_focal_sums_over_the_targets_classes(gamma):
    logits, _, targets = random_case(0, batch=50)
    p = softmax(logits.numpy(), axis=1)
    expected = -(targets.numpy() * (1 - p) ** gamma * np.log(p)).sum(axis=1)
    np.testing.assert_allclose(focal(logits, targets, gamma=gamma, reduction="none"), expected)


@pytest.mark.parametrize("function", [focal, confidence_penalty])
def test_without_its_term_it_is_cross_entropy(function):
    option = {"gamma" if function is focal else "beta": 0}
    for seed in range(3):
        logits, labels, targets = random_case(seed)
        for given in (labels, targets):
            torch.testing.assert_close(function(logits, given, **option), cross_entropy(logits, given))
    certain = torch.tensor([[-torch.inf, 0, -torch.inf], [1e4, -1e4, 0]], requires_grad=True)
    function(certain, torch.tensor([1, 1]), reduction="sum", **option).backward()
    torch.testing.assert_close(certain.grad, torch.tensor([[0.0, 0, 0], [1, -1, 0]]))


@pytest.mark.parametrize("gamma", [0, 1e-45, 0.1, 0.5, 1, 2, 5, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_focal_is_finite_for_every_gamma(gamma, dtype):
    """From p_y = 1 to the last bit, where the slope of (1 - p)^gamma is infinite for gamma < 1, to p_y = 0."""
    rows = [[gap, 0, -1] for gap in (-1e4, -100, -30, -5, 0, 5, 17, 20, 37, 50, 100, 1e4)] + [[0, -torch.inf, -torch.inf]]
    logits = torch.tensor(rows, dtype=dtype, requires_grad=True)
    losses = focal(logits, torch.zeros(len(rows), dtype=torch.long), gamma=gamma, reduction="none")
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert (losses >= 0).all()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("gamma", [0.1, 0.5, 2, 5])
def test_focal_gradient(gamma):
    """By z_y: gamma p_y (1 - p_y)^gamma log p_y - (1 - p_y)^(gamma + 1)."""
    logits = torch.cat([logits_with(p) for p in (0.01, 0.3, 0.5, 0.9, 0.999)]).requires_grad_()
    focal(logits, torch.zeros(5, dtype=torch.long), gamma=gamma, reduction="sum").backward()
    p = logits.detach().softmax(1)[:, 0]
    expected = gamma * p * (1 - p) ** gamma * p.log() - (1 - p) ** (gamma + 1)
    torch.testing.assert_close(logits.grad[:, 0], expected)
    # By the others: what the label gains they lose, in proportion to p; here they are alike.
    torch.testing.assert_close(logits.grad[:, 1:], (-expected / 9)[:, None].expand(5, 9))


@pytest.mark.parametrize("gamma", [0.1, 0.5])
def test_focal_does_not_lose_what_is_left_beside_a_certain_class(gamma):
    """p_y rounds to 1 (1 - p_y is 4e-18), yet (1 - p_y)^gamma is not 0: a wrong class is pushed down by it times p_k."""
    logits = torch.tensor([[40.0, 0, -1]], dtype=torch.float64, requires_grad=True)
    focal(logits, FIRST, gamma=gamma).backward()
    p_second, rest = math.exp(-40), math.exp(-40) + math.exp(-41)
    first_order = rest**gamma * p_second
    assert first_order * 0.99 < logits.grad[0, 1].item() < first_order * (1 + gamma) * 1.01


@pytest.mark.parametrize("gamma", [0.1, 0.5, 2])
def test_focal_gradcheck_near_certainty_and_at_ties(gamma):
    rows = [[6.0, 0, 0, -1], [0, 6, 0, 0], [1, 1, 1, 1], [3, 3, -9, -9]]
    logits = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([[0.7, 0.1, 0.1, 0.1]] * 4, dtype=torch.float64)
    for given in (torch.zeros(4, dtype=torch.long), targets):
        assert torch.autograd.gradcheck(lambda z, t=given: focal(z, t, gamma=gamma), logits)


def test_confidence_penalty_reference_values():
    """-log p_y - beta H(p): a uniform prediction earns back beta log K, a certain one nothing."""
    assert confidence_penalty(torch.zeros(1, 10), FIRST, beta=0.1).item() == pytest.approx(0.9 * math.log(10))
    assert confidence_penalty(torch.zeros(1, 10), FIRST, beta=1).item() == pytest.approx(0, abs=1e-6)
    assert confidence_penalty(torch.tensor([[1e4, 0, 0]]), FIRST, beta=8).item() == 0
    # p = (.9, .1): log loss .105361, entropy .325083 nats
    assert confidence_penalty(logits_with(0.9, 2), FIRST, beta=0.5).item() == pytest.approx(-0.057181, abs=1e-6)


@pytest.mark.parametrize("beta", [0.1, 1, 8])
def test_confidence_penalty_subtracts_the_entropy(beta):
    logits, _, targets = random_case(0, batch=50)
    p = softmax(logits.numpy(), axis=1)
    expected = -(targets.numpy() * np.log(p)).sum(axis=1) + beta * (p * np.log(p)).sum(axis=1)
    np.testing.assert_allclose(confidence_penalty(logits, targets, beta=beta, reduction="none"), expected)


@pytest.mark.parametrize("beta", [0.1, 1, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_confidence_penalty_is_finite_for_every_beta(beta, dtype):
    rows = [[gap, 0, -1] for gap in (-1e4, -100, 0, 100, 1e4)] + [[0, -torch.inf, -torch.inf], [0, 1, -torch.inf]]
    logits = torch.tensor(rows, dtype=dtype, requires_grad=True)
    losses = confidence_penalty(logits, torch.zeros(len(rows), dtype=torch.long), beta=beta, reduction="none")
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert torch.isfinite(logits.grad).all()


def test_soft_bootstrapping_reference_values():
    """p = (.9, .1): log loss .105361, entropy .325083 nats."""
    for beta, expected in ((1, 0.105361), (0, 0.325083), (0.8, 0.8 * 0.105361 + 0.2 * 0.325083)):
        assert soft_bootstrapping(logits_with(0.9, 2), FIRST, beta=beta).item() == pytest.approx(expected, abs=1e-6)


def test_soft_bootstrapping_is_no_cross_entropy_at_another_learning_rate():
    """Its gradient points elsewhere; with the target's own p held fixed it is beta times cross-entropy's."""
    logits, _, targets = random_case(0)
    logits.requires_grad_()

    def slope(loss: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(loss, logits)[0].flatten()

    plain = slope(cross_entropy(logits, targets))
    detached = slope(cross_entropy(logits, 0.5 * targets + 0.5 * logits.detach().softmax(1)))
    torch.testing.assert_close(detached, 0.5 * plain)
    found = slope(soft_bootstrapping(logits, targets, beta=0.5))
    assert torch.cosine_similarity(found, plain, dim=0) < 0.99
    step, differences = 1e-6, []
    for number in range(logits.numel()):
        moved = torch.zeros(logits.numel(), dtype=torch.float64)
        moved[number] = step
        up, down = (
            soft_bootstrapping(logits.detach() + sign * moved.reshape(logits.shape), targets, beta=0.5) for sign in (1, -1)
        )
        differences.append((up - down) / (2 * step))
    torch.testing.assert_close(found, torch.stack(differences), atol=1e-8, rtol=1e-5)


def test_soft_bootstrapping_makes_a_network_more_confident():
    plain, bootstrapped = (entropy_after_training(lambda z, y, b=b: soft_bootstrapping(z, y, beta=b)) for b in (1, 0.7))
    assert bootstrapped < plain - 0.1


@pytest.mark.parametrize("beta", [-0.1, 1.1])
def test_beta_of_soft_bootstrapping_out_of_range(beta):
    with pytest.raises(UserError, match="beta: found"):
        soft_bootstrapping(torch.zeros(1, 3), FIRST, beta=beta)


def entropy_after_training(loss) -> float:
    """Mean predictive entropy, on new points, of a small network trained on three overlapping clouds; nats."""
    generator = torch.Generator().manual_seed(0)

    def clouds(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.arange(count) % 3
        centres = torch.tensor([[0.0, 1.2], [1.0, -0.6], [-1.0, -0.6]])
        return centres[labels] + torch.randn(count, 2, generator=generator), labels

    points, labels = clouds(300)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
    for _ in range(200):
        gradients = torch.autograd.grad(loss(network(points), labels), network.parameters())
        with torch.no_grad():
            for weight, gradient in zip(network.parameters(), gradients, strict=True):
                weight -= 0.5 * gradient
    with torch.no_grad():
        log_probs = network(clouds(1000)[0]).log_softmax(1)
    return -(log_probs.exp() * log_probs).sum(1).mean().item()


def test_confidence_penalty_makes_a_network_less_confident():
    """And its sign is what does it: with the entropy added instead of subtracted the network is the most confident."""
    penalised = entropy_after_training(lambda z, y: confidence_penalty(z, y, beta=1))
    plain = entropy_after_training(lambda z, y: confidence_penalty(z, y, beta=0))
    reversed_sign = entropy_after_training(lambda z, y: 2 * cross_entropy(z, y) - confidence_penalty(z, y, beta=1))
    assert penalised > plain + 0.1
    assert reversed_sign < plain - 0.1


def test_focal_loss_makes_a_network_less_confident():
    plain, focused = (entropy_after_training(lambda z, y, g=g: focal(z, y, gamma=g)) for g in (0, 2))
    assert focused > plain + 0.1


def test_distillation_reference_values():
    """A teacher of (.9, .1), a student of (.5, .5): KL .368064 nats. It is summed over the classes, not averaged."""
    teacher, student = logits_with(0.9, 2), torch.zeros(1, 2, dtype=torch.float64)
    hard_part = math.log(2)
    values = {0: hard_part, 1: 0.368064, 0.9: 0.9 * 0.368064 + 0.1 * hard_part}
    for alpha, expected in values.items():
        found = distillation(student, teacher, FIRST, alpha=alpha, temperature=1).item()
        assert found == pytest.approx(expected, abs=1e-6)
    # At T 2 the teacher is (.75, .25): KL .130812, times T^2.
    assert distillation(student, teacher, FIRST, alpha=1, temperature=2).item() == pytest.approx(4 * 0.130812, abs=1e-5)


def test_distillation_is_zero_only_from_ones_own_prediction():
    logits, labels, _ = random_case(0)
    assert distillation(logits, logits + 3, labels, alpha=1).item() == pytest.approx(0, abs=1e-9)
    # The divergence is of the student from the teacher, so that it is not symmetric.
    other = random_case(1)[0]
    there, back = distillation(logits, other, labels, alpha=1), distillation(other, logits, labels, alpha=1)
    assert min(there, back) > 0.01
    assert abs(there - back) > 1e-3


@pytest.mark.parametrize(("alpha", "temperature"), [(0.9, 20.0), (0.5, 1.0), (1.0, 4.0), (0.0, 4.0)])
def test_distillation_gradient(alpha, temperature):
    """alpha T (softmax(z / T) - softmax(z_teacher / T)) + (1 - alpha) (p - t), per image; none for the teacher."""
    logits, labels, targets = random_case(2)
    teacher = random_case(3)[0].requires_grad_()
    for given in (labels, targets):
        student = logits.clone().requires_grad_()
        distillation(student, teacher, given, alpha=alpha, temperature=temperature, reduction="sum").backward()
        wanted = torch.eye(5, dtype=torch.float64)[labels] if given is labels else targets
        soft = (logits / temperature).softmax(1) - (teacher.detach() / temperature).softmax(1)
        expected = alpha * temperature * soft + (1 - alpha) * (logits.softmax(1) - wanted)
        torch.testing.assert_close(student.grad, expected)
    assert teacher.grad is None


def test_distillation_with_a_certain_teacher():
    """Teachers of +-1e4 and of -inf on wrong classes; the student may rule out what the teacher rules out."""
    infinite = [0.0, -torch.inf, -torch.inf]
    for teacher_row, row in (([1e4, -1e4, 0], [-1e4, 1e4, 0]), (infinite, [-1e4, 1e4, 0]), (infinite, infinite)):
        for temperature in (0.1, 1, 20):
            logits = torch.tensor([row], requires_grad=True)
            loss = distillation(logits, torch.tensor([teacher_row]), FIRST, temperature=temperature)
            loss.backward()
            assert torch.isfinite(loss)
            assert torch.isfinite(logits.grad).all()


def test_distillation_is_no_loss_that_a_student_may_name():
    """A student's training has no teacher's logits to give it."""
    assert "distillation" not in LOSSES


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (focal, {"gamma": -0.1}, "gamma: found -0.1; allowed: at least 0"),
        (focal, {"gamma": math.inf}, "gamma: found inf"),
        (focal, {"gamma": math.nan}, "gamma: found nan"),
        (confidence_penalty, {"beta": -1}, "beta: found -1; allowed: at least 0"),
        (confidence_penalty, {"beta": math.inf}, "beta: found inf"),
    ],
)
def test_options_out_of_range(function, options, message):
    with pytest.raises(UserError, match=message):
        function(torch.zeros(1, 3), FIRST, **options)


@pytest.mark.parametrize(
    ("teacher", "options", "message"),
    [
        ((1, 3), {"alpha": 1.1}, "alpha: found 1.1; allowed: 0 to 1"),
        ((1, 3), {"alpha": -0.1}, "alpha: found -0.1"),
        ((1, 3), {"temperature": 0}, "temperature: found 0; allowed: above 0"),
        ((1, 4), {}, r"teacher_logits: found shape \(1, 4\); allowed: \(1, 3\)"),
        ((2, 3), {}, r"teacher_logits: found shape \(2, 3\); allowed: \(1, 3\)"),
        ((3,), {}, r"teacher_logits: found shape \(3,\); allowed: \(1, 3\)"),
    ],
)
def test_distillation_mistakes(teacher, options, message):
    with pytest.raises(UserError, match=message):
        distillation(torch.zeros(1, 3), torch.zeros(teacher), FIRST, **options)
