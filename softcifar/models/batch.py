"""Batches that a network cannot take."""

import torch
from torch import nn

from softcifar.errors import UserError


def require_several(images: torch.Tensor, network: nn.Module, name: str) -> None:
    """Raise UserError for a single image in training, where batch norm of one vector would be 0 / 0."""
    if network.training and len(images) == 1:
        raise UserError(
            f"network {name}: found a batch of one image in training, which batch norm cannot scale; allowed: a "
            "batch_size that leaves no single image at the end of an epoch"
        )
