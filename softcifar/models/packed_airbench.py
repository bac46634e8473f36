"""Several networks as one: airbench in the groups of its convolutions (Packed-Ensembles, Laurent et al. 2023)."""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from softcifar.errors import UserError
from softcifar.models.airbench import DIVISOR, freeze, norm, whitened
from softcifar.models.batch import require_several
from softcifar.models.dropout import Dropout
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt


def packed_airbench(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    members: PositiveInt = 4,
    alpha: Positive = 2.0,
    gamma: PositiveInt = 1,
    width1: PositiveInt = 64,
    width2: PositiveInt = 256,
    width3: PositiveInt = 256,
    whitening: bool = True,
    dirac: bool = True,
    norm_scale: bool = False,
    dropout: FractionBelowOne = 0.0,
    covariance: list[list[float]] | None = None,
) -> nn.Module:
    """`members` networks with airbench's layers (softcifar.models.airbench), of width alpha / members of the widths given.

    alpha: how much wider the network is as a whole than one of these widths; alpha^2 / members is about its cost and its number
    of weights in units of that one's (1,988,960 trained parameters with the defaults, at 3x32x32 and K 10). With members 1 and
    alpha 1 it is airbench. gamma: further groups within each member, which make it sparser. Every member sees the image through
    its own first convolution, as wide as airbench's; frozen, it differs between members by its bias alone. In training the
    network gives (B, members, K), in evaluation the log of the members' mean probabilities, (B, K).
    """
    groups = members * gamma
    widths = [8 * in_channels * members, *(alpha * width for width in (width1, width2, width3))]
    if any(width % groups for width in widths):
        raise UserError(
            f"network packed_airbench: found {widths[0]} channels of first convolutions and widths {width1}, {width2}, "
            f"{width3} times alpha {alpha:g}; allowed: multiples of {groups} (members {members} times gamma {gamma})"
        )
    if image_size < 2:
        raise UserError(f"network packed_airbench: found images of {image_size} x {image_size} pixels; allowed: at least 2 x 2")
    network = PackedAirbench(
        num_classes, in_channels, image_size, [int(width) for width in widths], members, gamma, norm_scale, dropout
    )
    if whitening:
        filters = whitened(np.eye(4 * in_channels) if covariance is None else np.array(covariance))
        freeze(network.stem, torch.tensor(filters).repeat(members, 1, 1, 1))
    if dirac:
        start_as_identity(network)
    return network


class PackedAirbench(nn.Module):
    """See `packed_airbench`. features: (B, alpha width3), those of one member after those of another."""

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        side: int,
        widths: list[int],
        members: int,
        gamma: int,
        norm_scale: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, widths[0], 2)
        nn.init.zeros_(self.stem.bias)
        side -= 1
        groups: list[nn.Module] = []
        for width_in, width in itertools.pairwise(widths):
            groups.append(Group(width_in, width, 2 if side > 1 else 1, members * gamma, norm_scale, dropout))
            side = max(1, side // 2)
        self.side = side
        self.groups = nn.Sequential(*groups)
        self.head = MembersHead(widths[-1], num_classes, members)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        if self.side == 1:
            require_several(images, self, "packed_airbench")
        return F.max_pool2d(self.groups(F.gelu(self.stem(images))), self.side).flatten(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Group(nn.Module):
    """airbench's group, its convolutions in groups of channels."""

    def __init__(self, width_in: int, width: int, pool: int, groups: int, norm_scale: bool, dropout: float) -> None:
        super().__init__()
        self.pool = pool
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1, bias=False, groups=groups)
        self.norm1 = norm(width, norm_scale)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False, groups=groups)
        self.norm2 = norm(width, norm_scale)
        self.dropout = Dropout(dropout)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        inner = self.dropout(F.gelu(self.norm1(F.max_pool2d(self.conv1(activations), self.pool))))
        return self.dropout(F.gelu(self.norm2(self.conv2(inner))))


class MembersHead(nn.Module):
    """Every member's own linear layer, without a bias, its output divided as airbench's; weight (M, K, in_features / M)."""

    def __init__(self, in_features: int, num_classes: int, members: int) -> None:
        super().__init__()
        self.in_features = in_features
        drawn = nn.init.kaiming_uniform_(torch.empty(members * num_classes, in_features // members), a=math.sqrt(5))
        self.weight = nn.Parameter(drawn.view(members, num_classes, -1))  # drawn as nn.Linear's

    def members(self, features: torch.Tensor) -> torch.Tensor:
        """(B, M, K)."""
        return torch.einsum("bmd,mkd->bmk", features.unflatten(1, (len(self.weight), -1)), self.weight) / DIVISOR

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits = self.members(features)
        if self.training:
            return logits
        probs = logits.log_softmax(dim=2, dtype=torch.promote_types(logits.dtype, torch.float32))
        return probs.logsumexp(dim=1) - math.log(len(self.weight))


def start_as_identity(network: PackedAirbench) -> None:
    """As in airbench, within each group: as many filters as it has inputs pass one input channel on."""
    with torch.no_grad():
        for group in network.groups:
            for conv in (group.conv1, group.conv2):
                for filters in conv.weight.chunk(conv.groups):
                    nn.init.dirac_(filters[: filters.shape[1]])
