"""Monte Carlo dropout of whole filters: a channel of an image is zeroed or kept as one (Tompson et al. 2015)."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from softcifar.errors import UserError
from softcifar.methods.mc_dropout import MCDropout
from softcifar.models.dropout import Dropout


class MCFilterDropout(MCDropout):
    """MC dropout on a network whose dropouts, in training too, draw once per image and channel.

    The network's option `dropout` is then the probability of zeroing a channel; where activations have no height and width,
    each is drawn by itself. UserError for a network without dropout as soon as it is built.
    """

    title = "MC dropout of filters"

    def head(self, features: int, num_classes: int) -> nn.Module:
        return Filterwise()


class FilterDropout(Dropout):
    """Zero each channel of each image with probability p while training, scale the others by 1 / (1 - p).

    Activations (B, C, H, W); others, (B, D), element by element. Draws come from torch's global generator.
    """

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        drop = F.dropout2d if activations.dim() == 4 else F.dropout
        return drop(activations, self.p, self.training)


class Filterwise(nn.Module):
    """Put in the place of a network's last layer, it leaves that layer there and makes the network's dropouts filter-wise."""


def _make_filterwise(network: nn.Module, name: str, placed: nn.Module | None) -> nn.Module | None:
    """torch calls this wherever a layer is put into a network, and puts what it returns in its place."""
    if not isinstance(placed, Filterwise):
        return None
    dropouts = [
        (module, key, child)
        for module in network.modules()
        for key, child in module.named_children()
        if isinstance(child, Dropout) and child.p > 0
    ]
    if not dropouts:
        raise UserError(
            "found mc_filter_dropout with a network without dropout; allowed there: a network with a dropout above 0"
        )
    for module, key, child in dropouts:
        setattr(module, key, FilterDropout(child.p))
    return network._modules[name]


register_module_module_registration_hook(_make_filterwise)
