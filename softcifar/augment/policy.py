"""A recipe's augmentation steps, one after the other."""

import functools
import inspect
from collections.abc import Callable, Sequence

import torch

from softcifar.augment import AUGMENTATIONS
from softcifar.params.chosen import Chosen


def augment(
    steps: Sequence[Chosen],
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    turn: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images, targets and weights of a batch after all steps, in their order.

    images (B, C, H, W) in [0, 1]; targets (B, K) probabilities; turn, bool (B,): the images that alternating
    flips mirror in this epoch. Returns both in the same shapes and ranges, and the weights
    (B,) > 0 by which to multiply each image's loss, before the mean over the batch is taken: 1 where no step weights.
    """
    weights = targets.new_ones(len(targets))
    for step in steps:
        function = AUGMENTATIONS[step.name]
        given = {"turn": turn} if "turn" in _parameters(function) else {}
        if "weights" in _parameters(function):
            images, targets, weights = function(images, targets, generator, weights=weights, **given, **step.options)
        else:
            images, targets = function(images, targets, generator, **given, **step.options)
    return images, targets, weights


@functools.cache
def _parameters(function: Callable) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)
