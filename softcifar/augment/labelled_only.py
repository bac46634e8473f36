"""Training on the images that somebody has labelled, where labels of the others are missing (rows of zeros)."""

import torch

NOTHING = 1e-30  # the weight of an image that counts for nothing; 0 would make steps that mix by weights divide by it


def labelled_only(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    weights: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Put a labelled image of the batch, drawn with replacement, in the place of every image without a label.

    images (B, C, H, W) in [0, 1]; targets (B, K), probabilities, or zeros for an image that nobody has labelled; weights (B,),
    None: all 1. Labelled images stay in their places, so a batch is as large, and an epoch has as many steps, as one of images
    that are all labelled; what comes after this step augments every copy by itself. Where a batch has no labelled image its
    targets are even and its weights NOTHING, which moves no weight of a network. Nothing here waits for the device.
    """
    places = torch.arange(len(targets), device=targets.device)
    weights = targets.new_ones(len(targets)) if weights is None else weights
    labelled = targets.sum(dim=1) > 0
    count, some = labelled.sum(), labelled.any()
    first = (~labelled).to(torch.uint8).argsort(stable=True)  # the places of labelled images, then the others
    drawn = torch.rand(len(targets), generator=generator, dtype=torch.float64, device=targets.device) * count
    chosen = torch.where(labelled, places, first[drawn.long().minimum((count - 1).clamp(min=0))])
    targets = torch.where(some, targets[chosen], 1 / targets.shape[1])
    return images[chosen], targets, torch.where(some, weights[chosen], NOTHING)
