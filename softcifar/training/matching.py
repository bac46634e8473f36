"""`q: match_human`: as much mixing as adds the entropy that people's labels have."""

from typing import TypeVar

import numpy as np
import torch
from scipy.special import entr

from softcifar.augment import AUGMENTATIONS
from softcifar.augment.mixing import MATCH_HUMAN
from softcifar.errors import UserError
from softcifar.params.chosen import Chosen
from softcifar.params.recipe import Recipe

DRAWS = 50_000  # mixed images; q then has a standard error of about half a percent of itself

R = TypeVar("R", bound=Recipe)


def matched(recipe: R, targets: np.ndarray, votes: np.ndarray | None, image_shape: tuple[int, ...], key: str) -> R:
    """The recipe with a number for every `q: match_human`, at which the mean entropy that mixing adds is that of the votes.

    q = mean H(votes / sum votes) / mean (H(mixed target) - H(target)), in nats over the training images; the second mean is
    that of mixing every image, drawn `DRAWS` times with the step's own options and the recipe's batch size. Each such step is
    matched by itself, on the labels alone: what other steps do to targets does not count.
    targets (N, K) probabilities; votes (N, K) counts; image_shape (H, W, C); key: of the recipe, for messages.
    Raises UserError where there are no votes, or mixing every image adds less than people do.
    """
    steps = {
        part: [
            _matched(step, recipe.batch_size, targets, votes, image_shape, f"{key}.{part}: {step.name}: q")
            if step.options.get("q") == MATCH_HUMAN
            else step
            for step in getattr(recipe, part)
        ]
        for part in ("augment", "finetune_augment")
    }
    return recipe.model_copy(update=steps)


def _matched(
    step: Chosen, batch_size: int, targets: np.ndarray, votes: np.ndarray | None, image_shape: tuple[int, ...], key: str
) -> Chosen:
    if votes is None:
        raise UserError(
            f"{key}: found '{MATCH_HUMAN}', but the training images have no votes; allowed there: a number from 0 to 1, or "
            "name people's votes in data.votes.train"
        )
    human = float(entr(votes / votes.sum(axis=1, keepdims=True)).sum(axis=1).mean())
    added = added_entropy(Chosen(name=step.name, options=step.options | {"q": 1.0}), batch_size, targets, image_shape)
    if human > added:
        raise UserError(
            f"{key}: found '{MATCH_HUMAN}', but mixing every image adds {added:.3f} nats where people's labels have "
            f"{human:.3f}; allowed: a larger alpha, or a number from 0 to 1"
        )
    return Chosen(name=step.name, options=step.options | {"q": human / added if human else 0.0})


def added_entropy(step: Chosen, batch_size: int, targets: np.ndarray, image_shape: tuple[int, ...]) -> float:
    """Mean entropy in nats by which a mixing step raises targets (N, K), over `DRAWS` images; the same at every call."""
    generator = torch.Generator().manual_seed(0)
    height, width = image_shape[:2]
    wanted = torch.as_tensor(targets).double()
    total, count = 0.0, 0
    while count < DRAWS:
        for batch in torch.randperm(len(wanted), generator=generator).split(batch_size):
            # Only the size of the images matters, and that to boxes alone.
            images = torch.zeros(len(batch), 1, height, width)
            _, mixed, _ = AUGMENTATIONS[step.name](images, wanted[batch], generator, **step.options)
            total += (torch.special.entr(mixed) - torch.special.entr(wanted[batch])).sum().item()
            count += len(batch)
    return total / count
