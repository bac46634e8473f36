"""Packed ensembles: members in the groups of one network's convolutions (Laurent et al. 2023)."""

from collections.abc import Callable

import torch
from torch import nn

from softcifar.methods.demanding import Demanding


class Packed(Demanding):
    """Every member of a network that has members learns for itself, and is one sample of the prediction.

    The loss is the mean of the members' losses, which divides each member's gradient by their number: with `lr` times that
    number and `weight_decay` divided by it, SGD trains every member as a network by itself. One forward pass predicts with all.
    """

    title = "Packed ensemble"
    of_members = True

    def loss(
        self, classifier: nn.Module, pixels: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor, base: Callable
    ) -> torch.Tensor:
        """logits (B, M, K), of every member."""
        return torch.stack([base(pixels, member, targets) for member in logits.unbind(dim=1)]).mean(dim=0)

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        return classifier.network.head.members(classifier.features(pixels)).transpose(0, 1)
