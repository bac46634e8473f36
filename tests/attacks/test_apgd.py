"""Auto-PGD: its checkpoints, its losses, its strength, and that it keeps its best."""

import pytest
import torch

from softcifar.attacks.apgd import apgd, checkpoints, difference_of_logits_ratio
from softcifar.attacks.objective import attacked_loss
from softcifar.attacks.pgd import pgd
from softcifar.errors import UserError

EPS = 0.1


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def right(network, images, labels) -> torch.Tensor:
    return network(images)[0].argmax(dim=1) == labels


def test_the_checkpoints_are_the_papers():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(10) == [3, 5, 6, 7, 8, 9, 10]
    assert checkpoints(1) == [1]


def test_dlr_by_hand():
    logits = torch.tensor([[5.0, 3.0, 1.0, 0.0]] * 4)
    found = difference_of_logits_ratio(logits, torch.arange(4))
    torch.testing.assert_close(found, torch.tensor([-2 / 4, 2 / 4, 4 / 4, 5 / 4]))
    torch.testing.assert_close(difference_of_logits_ratio(7 * logits - 100, torch.arange(4)), found)  # neither scale nor shift
    assert difference_of_logits_ratio(torch.zeros(1, 3), torch.tensor([0])) == 0


def test_dlr_needs_three_classes():
    def predict(images):
        return images.flatten(1)[None]

    images, labels = torch.rand(1, 1, 1, 2), torch.tensor([0])
    with pytest.raises(UserError, match="loss: found 'dlr' with 2 classes; allowed there: 'ce'"):
        apgd(predict, images, labels, EPS, generator=generator(), loss="dlr")
    apgd(predict, images, labels, EPS, generator=generator(), loss="ce")


@pytest.mark.parametrize("steps", [10, 40])
def test_it_is_at_least_as_strong_as_pgd_in_as_many_steps(digits, steps):
    network, images, labels = digits
    own = apgd(network, images, labels, EPS, generator=generator(), steps=steps)
    fixed = pgd(network, images, labels, EPS, generator=generator(), steps=steps)
    assert right(network, own, labels).sum() <= right(network, fixed, labels).sum() < 0.4 * len(labels)


def test_dlr_attacks_too_and_more_steps_fool_no_fewer(digits):
    network, images, labels = digits
    left = [
        right(network, apgd(network, images, labels, EPS, generator=generator(), steps=steps, loss="dlr"), labels).sum()
        for steps in (10, 100)
    ]
    assert left[1] <= left[0] < 0.5 * len(labels)


def test_no_later_step_loses_what_an_earlier_one_had(digits):
    """One start, more and more steps: never fewer fooled; where none is fooled the loss never falls."""
    network, images, labels = digits
    fooled, highest = torch.zeros(len(labels), dtype=torch.bool), torch.full((len(labels),), -torch.inf)
    for steps in (1, 2, 3):  # before the first checkpoint of 10 steps and more, so the three walk the same way
        moved = apgd(network, images, labels, 0.03, generator=generator(), steps=steps)
        now = ~right(network, moved, labels)
        value = attacked_loss(network, moved, labels)
        assert (now | ~fooled).all()
        assert (value[~now] >= highest[~now] - 1e-5).all()
        fooled, highest = now, value


def test_a_step_that_overshoots_is_halved():
    """One pixel whose loss peaks at .53: a fixed step of 2 eps jumps from one edge of the ball to the other for ever."""

    def predict(images):
        gap = 10 * (images.flatten(1) - 0.53).abs()
        return torch.cat([gap, torch.zeros_like(gap)], dim=1)[None]  # class 0 is the surer, the farther from .53

    images = torch.full((1, 1, 1, 1), 0.5)
    moved = apgd(predict, images, torch.tensor([0]), 0.2, generator=generator(), steps=100)
    assert abs(moved.item() - 0.53) < 1e-3


def test_the_first_checkpoint_does_not_ask_whether_the_highest_loss_has_changed():
    """The start has the highest loss, and from the first step on the loss rises: the step is halved at the second one."""
    seen = []

    def predict(images):
        seen.append(images.item())
        height = 1000.0 if len(seen) == 1 else 10.0 * len(seen)  # dwarfs the pixel's part
        against = images.flatten(1) + height
        return torch.cat([torch.zeros_like(against), against], dim=1)[None]

    apgd(predict, torch.full((1, 1, 1, 1), 0.5), torch.tensor([0]), 0.1, generator=generator(), steps=45)
    assert checkpoints(45)[:2] == [10, 19]
    edge = pytest.approx(0.6)
    assert seen[0] != edge
    assert seen[2:20] == [edge] * 18
    assert seen[20] != edge  # from the start again


def test_on_a_dropout_network_it_is_stronger_than_pgd(dropout_digits):
    """Mean of 3 runs, 300 images each, of which PGD leaves .31 to .32 right, `eot` 5 .29 to .30, `eot` 1 .32."""
    network, images, labels = dropout_digits
    torch.manual_seed(0)

    def left(attack, **options):
        runs = [attack(network, images, labels, EPS, generator=generator(seed), steps=20, **options) for seed in range(3)]
        means = [network(moved, samples=100).softmax(dim=-1).mean(dim=0) for moved in runs]
        return sum((mean.argmax(dim=1) == labels).float().mean().item() for mean in means) / len(runs)

    assert left(apgd, eot=5) < left(pgd) < 0.4


@pytest.mark.parametrize(("samples", "calls"), [(1, 5), (2, 15)])
def test_only_a_stochastic_network_is_called_more_than_once_at_a_point(digits, samples, calls):
    network, images, labels = digits
    count = 0

    def predict(given):
        nonlocal count
        count += 1
        return network(given).expand(samples, -1, -1)

    own = apgd(predict, images, labels, EPS, generator=generator(), steps=4, eot=3)
    assert count == calls  # 4 steps and the start
    torch.testing.assert_close(own, apgd(network, images, labels, EPS, generator=generator(), steps=4))
