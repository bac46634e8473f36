"""The CIFAR ResNet of depth 6n+2 (He et al. 2016, section 4.2), and with stochastic depth (Huang et al. 2016)."""

from typing import Literal

import torch
from torch import nn

from softcifar.errors import UserError
from softcifar.models.initialisation import he_normal
from softcifar.models.layers import Layers, make_layers
from softcifar.models.shortcut import PoolAndPad
from softcifar.models.stochastic_depth import StochasticDepth
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt

NAMED = (18, 34, 50, 101)  # networks of another family (softcifar.models.resnet_imagenet); 50 is 6*8+2 as well


def resnet(
    num_classes: int,
    *,
    depth: PositiveInt,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    shortcut: Literal["projection", "pool"] = "projection",
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Three stages of n blocks with 16, 32 and 64 channels, depth = 6n+2.

    shortcut 'projection': 1x1 convolution with batch norm where the width changes (272,474 parameters at depth 20, K 10);
    'pool': average pooling and zero padding (269,722). dropout: probability of zeroing an activation after each ReLU
    (element-wise, as in Soft CIFAR; 0 = none). spectral_norm, coeff, mod: see softcifar.models.layers; mod always takes the
    shortcut 'pool'. image_size is not restricted: the last pooling is global. Depths 18, 34, 50 and 101 are the networks of
    softcifar.models.resnet_imagenet.
    """
    if depth < 8 or (depth - 2) % 6 or depth in NAMED:
        valid = [each for each in range(8, depth + 7) if (each - 2) % 6 == 0 or each in NAMED]
        nearest = min(valid, key=lambda each: abs(each - depth), default=8)
        named = ", ".join(f"resnet{each}" for each in NAMED)
        raise UserError(
            f"network: found resnet{depth}; allowed: resnet<6n+2>, the nearest is resnet{nearest} (of another family: {named})"
        )
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    blocks = (depth - 2) // 6
    return ResNet(num_classes, blocks=blocks, in_channels=in_channels, size=image_size, shortcut=shortcut, layers=made)


def resnet110_sd(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Depth 110 with the shortcut 'pool' and stochastic depth: block l of 54 is kept with probability 1 - .5 l/54.

    1,727,962 parameters at K 10. Options as in `resnet`.
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return ResNet(
        num_classes, blocks=18, in_channels=in_channels, size=image_size, shortcut="pool", layers=made, last_survival=0.5
    )


class ResNet(nn.Module):
    """See `resnet`. features: (B, 64). last_survival: of the last block, the others linear from 1; None: all are kept."""

    def __init__(
        self,
        num_classes: int,
        *,
        blocks: int,
        in_channels: int,
        size: int,
        shortcut: str,
        layers: Layers,
        last_survival: float | None = None,
    ) -> None:
        super().__init__()
        self.stem = layers.conv(in_channels, 16, 3, size=size)
        self.norm = nn.BatchNorm2d(16)
        self.activation = layers.activation()
        stages: list[nn.Module] = []
        width_in = 16
        for width, first_stride in ((16, 1), (32, 2), (64, 2)):
            for number in range(blocks):
                stride = first_stride if number == 0 else 1
                block = Block(width_in, width, stride, size=size, shortcut=shortcut, layers=layers)
                if last_survival is not None:
                    drop = (1 - last_survival) * (len(stages) + 1) / (3 * blocks)
                    block = StochasticDepth(block, survival=1 - drop)
                stages.append(block)
                width_in, size = width, -(-size // stride)
        self.blocks = nn.Sequential(*stages)
        self.head = nn.Linear(64, num_classes)
        he_normal(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.activation(self.norm(self.stem(images)))).mean(dim=(2, 3))  # (B, 64)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut (He et al. 2016, figure 2)."""

    def __init__(self, width_in: int, width: int, stride: int, *, size: int, shortcut: str, layers: Layers) -> None:
        super().__init__()
        self.conv1 = layers.conv(width_in, width, 3, size=size, stride=stride)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = layers.conv(width, width, 3, size=-(-size // stride))
        self.norm2 = nn.BatchNorm2d(width)
        self.activation = layers.activation()
        if width_in == width and stride == 1:
            self.shortcut = nn.Identity()
        elif shortcut == "pool" or layers.mod:
            self.shortcut = PoolAndPad(width - width_in, stride)
        else:
            projection = layers.conv(width_in, width, 1, size=size, stride=stride)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(width))

    def residual(self, activations: torch.Tensor) -> torch.Tensor:
        return self.norm2(self.conv2(self.activation(self.norm1(self.conv1(activations)))))

    def join(self, activations: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.activation(residual + self.shortcut(activations))

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        return self.join(activations, self.residual(activations))
