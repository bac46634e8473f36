"""RandAugment (Cubuk et al. 2020): some random operations, all of one magnitude."""

from typing import Annotated

import torch
from annotated_types import Ge, Le

from softcifar.augment.operations import BINS, Strengths, apply, draw
from softcifar.params.options import require

MOST = 14  # operations one after the other: as many as there are to choose from


def randaugment(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    ops: Annotated[int, Ge(1), Le(MOST)] = 2,
    magnitude: Annotated[int, Ge(0), Le(BINS - 1)] = 9,
) -> tuple[torch.Tensor, torch.Tensor]:
    """`ops` operations per image, each drawn from the 14 of torchvision's RandAugment, with its magnitudes of 31 bins.

    The draws are per image, with replacement; an operation with two directions takes either. Nearest pixels, black outside.
    images (B, 1 or 3, H, W) in [0, 1]; targets (B, K), returned as they are; ops 1 to 14; magnitude 0 to 30.
    """
    require(1 <= ops <= MOST, "ops", ops, f"1 to {MOST}")
    require(0 <= magnitude < BINS, "magnitude", magnitude, f"0 to {BINS - 1}")
    batch, _, height, width = images.shape
    # A share of the side: 150 of the 331 pixels of the paper's ImageNet crops, as in torchvision.
    strengths = Strengths(0.3, 150 / 331 * width, 150 / 331 * height, 30, 0.9, 4)
    for _ in range(ops):
        images = apply(images, *draw(batch, strengths, magnitude, generator, images.device))
    return images, targets
