"""PyramidNet with ShakeDrop (Han et al. 2017; Yamada et al. 2019)."""

import torch
from torch import nn

from softcifar.models.initialisation import he_normal
from softcifar.models.layers import Layers, make_layers
from softcifar.models.shakedrop import ShakeDrop
from softcifar.models.shortcut import PoolAndPad
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt


def pyramidnet272(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Depth 272 = 9*30+2, widening factor 200: bottleneck i of 90 has 16 + 200 i/90 channels, rounded, and gives four times
    as many (26,210,842 parameters at K 10). ShakeDrop drops the branch of block i with probability .5 i/90.

    Shortcuts have no parameters as published, so mod is LeakyReLU alone. spectral_norm, coeff: see softcifar.models.layers.
    dropout: probability of zeroing an activation after each ReLU. image_size is not restricted: the last pooling is global.
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return PyramidNet(num_classes, blocks=30, widening=200, in_channels=in_channels, size=image_size, layers=made)


class PyramidNet(nn.Module):
    """See `pyramidnet272`; three stages of `blocks` blocks. features: (B, 4 * (16 + widening))."""

    def __init__(self, num_classes: int, *, blocks: int, widening: int, in_channels: int, size: int, layers: Layers) -> None:
        super().__init__()
        self.stem = nn.Sequential(layers.conv(in_channels, 16, 3, size=size), nn.BatchNorm2d(16))
        total = 3 * blocks
        stages: list[nn.Module] = []
        width_in = 16
        for number in range(1, total + 1):
            stride = 2 if number in (blocks + 1, 2 * blocks + 1) else 1
            width = round(16 + widening * number / total)
            stages.append(Block(width_in, width, stride, drop=0.5 * number / total, size=size, layers=layers))
            width_in, size = 4 * width, -(-size // stride)
        self.blocks = nn.Sequential(*stages, nn.BatchNorm2d(width_in), layers.activation())
        self.head = nn.Linear(width_in, num_classes)
        he_normal(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.stem(images)).mean(dim=(2, 3))  # (B, D)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Block(nn.Module):
    """Batch norm, 1x1 convolution to `width` channels; batch norm, ReLU, 3x3; batch norm, ReLU, 1x1 to 4 `width`; batch norm
    (Han et al. 2017, figure 6d, with bottleneck); shaken, and added to the pooled and padded input."""

    def __init__(self, width_in: int, width: int, stride: int, *, drop: float, size: int, layers: Layers) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(width_in),
            layers.conv(width_in, width, 1, size=size),
            nn.BatchNorm2d(width),
            layers.activation(),
            layers.conv(width, width, 3, size=size, stride=stride),
            nn.BatchNorm2d(width),
            layers.activation(),
            layers.conv(width, 4 * width, 1, size=-(-size // stride)),
            nn.BatchNorm2d(4 * width),
            ShakeDrop(drop),
        )
        self.shortcut = PoolAndPad(4 * width - width_in, stride)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        return self.residual(activations) + self.shortcut(activations)
