"""Losses as the package offers them: the values of labels and targets are checked, which training's own need not be.

A check waits for the GPU, and what training makes of a study is right by construction; so LOSSES holds the functions
themselves.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch

from softcifar.errors import UserError

SUM_TOLERANCE = 0.01  # rows of bfloat16 probabilities sum to 1 only roughly


def offer(package: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Put a checked function in the place of each loss of labels or targets among `names` of a package; those names."""
    losses = [name for name in names if callable(package[name]) and "labels_or_targets" in package[name].__annotations__]
    package |= {name: checked(package[name]) for name in losses}
    return losses


def checked(loss: Callable) -> Callable:
    """The loss, with UserError for labels outside 0..K-1, and for targets below 0 or whose rows do not sum to 1."""

    signature = inspect.signature(loss)

    @functools.wraps(loss)
    def call(*arguments: Any, **options: Any) -> torch.Tensor:
        logits, *_ = (given := signature.bind(*arguments, **options).arguments).values()
        if logits.ndim == 2 and given["labels_or_targets"].numel():  # shapes are the loss's own affair
            _require_values(logits, given["labels_or_targets"].detach())
        return loss(*arguments, **options)

    return call


def _require_values(logits: torch.Tensor, given: torch.Tensor) -> None:
    if given.is_floating_point() and given.shape == logits.shape:
        sums, low = given.double().sum(dim=1), float(given.min())
        worst = float(sums[(sums - 1).abs().argmax()])
        if not low >= 0:  # also true for NaN
            raise UserError(f"labels_or_targets: found a target of {low:.6g}; allowed: probabilities, 0 or more")
        if not abs(worst - 1) <= SUM_TOLERANCE:
            raise UserError(f"labels_or_targets: found a row that sums to {worst:.6g}; allowed: rows that sum to 1")
    elif given.shape == logits.shape[:1] and not given.is_floating_point() and given.dtype != torch.bool:
        low, high = int(given.min()), int(given.max())
        if low < 0 or high >= logits.shape[1]:
            raise UserError(f"labels_or_targets: found labels from {low} to {high}; allowed: 0 to {logits.shape[1] - 1}")
