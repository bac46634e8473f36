"""Projected gradient descent in an Linf ball (Madry et al. 2018)."""

import torch

from softcifar.attacks.objective import Predictor, check_radius, input_gradient, per_radius, random_start
from softcifar.params.ranges import PositiveInt


@per_radius
def pgd(
    predict: Predictor,
    images: torch.Tensor,
    labels: torch.Tensor,
    eps: float,
    *,
    generator: torch.Generator,
    steps: PositiveInt = 10,
) -> torch.Tensor:
    """`steps` signed steps up the gradient of the loss from a random start, each projected to the ball and to [0, 1].

    predict, images, labels: as for `fgsm`, and so is the loss.
    eps: Linf radius in [0, 1]; 0 gives the images themselves. generator: draws the start, uniform in the ball. A step is
    2.5 eps / steps, so that every point of the ball can be reached from any start (Madry et al. 2018, appendix, for 100
    steps; 2 of 255 at 8 of 255 in 10 steps). Returns the last iterate, like `images`.
    """
    check_radius(eps)
    moved = random_start(images, eps, generator)
    low, high = (images - eps).clamp(min=0), (images + eps).clamp(max=1)
    for _ in range(steps):
        moved = moved + 2.5 * eps / steps * input_gradient(predict, moved, labels).sign()
        moved = moved.clamp(low, high)
    return moved
