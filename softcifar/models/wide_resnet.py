"""Wide residual networks (Zagoruyko & Komodakis 2016)."""

import torch
from torch import nn

from softcifar.models.dropout import Dropout
from softcifar.models.initialisation import he_normal
from softcifar.models.layers import Layers, make_layers
from softcifar.models.shortcut import PoolAndPad
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt


def wrn28_10(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Depth 28 = 6*4+4, three stages of 4 blocks with 160, 320 and 640 channels (36,479,194 parameters at K 10).

    dropout: probability of zeroing an activation between the two convolutions of each block, and nowhere else (the paper's
    section 3.3, whose value is .3). spectral_norm, coeff, mod: see softcifar.models.layers; mod takes average pooling and
    zero channels for the 1x1 convolutions of the shortcuts. image_size is not restricted: the last pooling is global.
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return WideResNet(num_classes, blocks=4, widen=10, in_channels=in_channels, size=image_size, layers=made)


class WideResNet(nn.Module):
    """See `wrn28_10`. features: (B, 64 * widen)."""

    def __init__(self, num_classes: int, *, blocks: int, widen: int, in_channels: int, size: int, layers: Layers) -> None:
        super().__init__()
        self.stem = layers.conv(in_channels, 16, 3, size=size)
        stages: list[nn.Module] = []
        width_in = 16
        for width, first_stride in ((16 * widen, 1), (32 * widen, 2), (64 * widen, 2)):
            for number in range(blocks):
                stride = first_stride if number == 0 else 1
                stages.append(Block(width_in, width, stride, size=size, layers=layers))
                width_in, size = width, -(-size // stride)
        self.blocks = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(width_in)
        self.relu = layers.relu()
        self.head = nn.Linear(width_in, num_classes)
        he_normal(self)
        nn.init.zeros_(self.head.bias)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.relu(self.norm(self.blocks(self.stem(images)))).mean(dim=(2, 3))  # (B, 64 * widen)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Block(nn.Module):
    """Batch norm, ReLU, 3x3 convolution; batch norm, ReLU, dropout, 3x3 convolution; added to its input.

    Where the width changes, the shortcut is a 1x1 convolution of what the first ReLU gives (the authors' code); with mod it is
    average pooling and zero channels of the input itself.
    """

    def __init__(self, width_in: int, width: int, stride: int, *, size: int, layers: Layers) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width_in)
        self.conv1 = layers.conv(width_in, width, 3, size=size, stride=stride)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = layers.conv(width, width, 3, size=-(-size // stride))
        self.relu = layers.relu()
        self.drop = Dropout(layers.dropout)
        self.projection: nn.Module | None = None
        if width_in == width:
            self.shortcut = nn.Identity()
        elif layers.mod:
            self.shortcut = PoolAndPad(width - width_in, stride)
        else:
            self.projection = layers.conv(width_in, width, 1, size=size, stride=stride)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        first = self.relu(self.norm1(activations))
        shortcut = self.shortcut(activations) if self.projection is None else self.projection(first)
        return self.conv2(self.drop(self.relu(self.norm2(self.conv1(first))))) + shortcut
