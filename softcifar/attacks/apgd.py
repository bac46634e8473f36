"""Auto-PGD: projected gradient descent that finds its own step sizes (Croce & Hein, ICML 2020, algorithm 1)."""

import itertools
from collections.abc import Iterator
from typing import Literal

import torch

from softcifar.attacks.objective import Predictor, check_radius, log_odds, over_samples, per_radius, random_start
from softcifar.errors import UserError
from softcifar.methods.prediction import predictive_log_probs
from softcifar.params.ranges import PositiveInt

MOMENTUM = 0.75  # alpha of the paper: the share of the new step, the rest goes on as before
FEWEST_RISES = 0.75  # rho of the paper: with fewer rising steps than this share the step was too long


@per_radius
def apgd(
    predict: Predictor,
    images: torch.Tensor,
    labels: torch.Tensor,
    eps: float,
    *,
    generator: torch.Generator,
    steps: PositiveInt = 100,
    loss: Literal["ce", "dlr"] = "ce",
    eot: PositiveInt = 1,
) -> torch.Tensor:
    """`steps` signed gradient steps with momentum from a random start; step sizes of every image by what they achieve.

    A step is 2 eps at first. At the checkpoints it is halved where fewer than .75 of the steps since the last one raised the
    loss, or where neither the step nor the highest loss has changed since; the search then goes on from the best point so far.
    As in the authors' code the step counts as changed before the first checkpoint, where only the first of the two can hold.
    predict, images, labels: as for `fgsm`. eps: Linf radius in [0, 1]; 0 gives the images themselves. generator: draws the
    start, uniform in the ball; nothing else is drawn. loss: 'ce' raises `log_odds`, which give the very steps of the
    cross-entropy, for they rise with it and have its gradient's sign; 'dlr' raises `difference_of_logits_ratio` and needs 3
    classes. eot: calls of `predict` at every point where it gives more than one sample, which are joined, so that points are
    compared by more than the draw of their noise (Athalye et al. 2018). The gradient is that of the loss averaged over samples
    (`over_samples`); which point is better or misclassified goes by the mean probability, as in an evaluation. Returns for
    every image the last point that is misclassified, else the one of the highest loss, like `images`.
    """
    check_radius(eps)
    low, high = (images - eps).clamp(min=0), (images + eps).clamp(max=1)

    def look(point: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The loss (B,), the sign of its gradient, and whether the image is misclassified (B,)."""
        point = point.detach().clone().requires_grad_()
        slope, drawn = torch.zeros_like(point), []
        for _ in range(eot):  # one backward pass each, so that memory does not grow
            logits = predict(point)
            slope = slope + torch.autograd.grad(over_samples(LOSSES[loss], logits, labels).sum(), point)[0]
            drawn.append(logits.detach())
            if len(logits) == 1:  # deterministic
                break
        log_probs = predictive_log_probs(torch.cat(drawn))
        return LOSSES[loss](log_probs, labels), slope.sign(), log_probs.argmax(dim=1) != labels

    moved = before = random_start(images, eps, generator)
    value, direction, wrong = look(moved)
    best, best_value, best_direction = moved, value, direction
    fooled, any_wrong = moved, wrong
    size = torch.full_like(value, 2 * eps)
    rises, last, halved, best_at_last = torch.zeros_like(value), 0, torch.ones_like(wrong), value
    checks = set(checkpoints(steps))
    for step in range(1, steps + 1):
        aim = (moved + _each(size) * direction).clamp(low, high)
        share = MOMENTUM if step > 1 else 1
        before, moved = moved, (moved + share * (aim - moved) + (1 - share) * (moved - before)).clamp(low, high)
        reached, direction, wrong = look(moved)
        rises, value = rises + (reached > value), reached
        fooled, any_wrong = torch.where(_each(wrong), moved, fooled), any_wrong | wrong
        better = value > best_value
        best, best_direction = _where(better, (moved, direction), (best, best_direction))
        best_value = torch.where(better, value, best_value)
        if step in checks:
            halved = (rises < FEWEST_RISES * (step - last)) | (~halved & (best_value == best_at_last))
            size, value = torch.where(halved, size / 2, size), torch.where(halved, best_value, value)
            moved, direction = _where(halved, (best, best_direction), (moved, direction))
            rises, last, best_at_last = torch.zeros_like(rises), step, best_value
    return torch.where(_each(any_wrong), fooled, best)


def difference_of_logits_ratio(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """DLR, -(z_y - max_{k != y} z_k) / (z_(1) - z_(3)), z_(i) the i-th largest: (B,), -1 to 1, above 0 where y is not first.

    logits (B, K), labels (B,). It takes no notice of a shift of them, nor of a scale (equation 6 of the paper). UserError
    below 3 classes.
    """
    if logits.shape[1] < 3:
        raise UserError(
            f"loss: found 'dlr' with {logits.shape[1]} classes; allowed there: 'ce' (dlr compares the three largest logits)"
        )
    first, _, third = logits.topk(3, dim=1).values.unbind(dim=1)
    wanted = labels[:, None]
    margin = logits.scatter(1, wanted, -torch.inf).amax(dim=1) - logits.gather(1, wanted)[:, 0]
    return margin / (first - third + 1e-12)  # as the authors keep it from 0 / 0


LOSSES = {"ce": log_odds, "dlr": difference_of_logits_ratio}


def checkpoints(steps: int) -> list[int]:
    """The steps w_j = ceil(p_j steps) after which step sizes are judged: p_1 .22, and each gap .03 less than the one before it,
    but at least .06 (section 3.1 of the paper); rising, 1 to `steps`.
    """

    def shares() -> Iterator[int]:  # in hundredths, so that nothing is rounded
        share, gap = 0, 22
        while True:
            share += gap
            yield share
            gap = max(gap - 3, 6)

    return sorted({-(-share * steps // 100) for share in itertools.takewhile(lambda share: share <= 100, shares())})


def _each(values: torch.Tensor) -> torch.Tensor:
    """(B,) beside (B, C, H, W)."""
    return values[:, None, None, None]


def _where(chosen: torch.Tensor, some: tuple[torch.Tensor, ...], others: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    return [torch.where(_each(chosen), one, other) for one, other in zip(some, others, strict=True)]
