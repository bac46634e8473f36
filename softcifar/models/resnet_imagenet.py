"""The ResNets of ImageNet (He et al. 2016, table 1) with a stem for small images: a 3x3 convolution, no max-pooling."""

import torch
from torch import nn

from softcifar.models.initialisation import he_normal
from softcifar.models.layers import Layers, make_layers
from softcifar.models.shortcut import PoolAndPad
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt


def resnet18(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Stages of 2, 2, 2 and 2 blocks of two 3x3 convolutions (11,173,962 parameters at K 10).

    spectral_norm, coeff, mod: see softcifar.models.layers; mod takes average pooling and zero channels for the projection
    shortcuts (1x1 convolution, batch norm). dropout: probability of zeroing an activation after each ReLU. image_size is
    not restricted: the last pooling is global.
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return ResNet(num_classes, Basic, (2, 2, 2, 2), in_channels=in_channels, size=image_size, layers=made)


def resnet34(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Stages of 3, 4, 6 and 3 blocks of two 3x3 convolutions (21,282,122 parameters at K 10); options as in `resnet18`."""
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return ResNet(num_classes, Basic, (3, 4, 6, 3), in_channels=in_channels, size=image_size, layers=made)


def resnet50(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Stages of 3, 4, 6 and 3 bottleneck blocks (23,520,842 parameters at K 10); options as in `resnet18`.

    (50 is 6n+2 as well, but this name always means the bottleneck network.)
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return ResNet(num_classes, Bottleneck, (3, 4, 6, 3), in_channels=in_channels, size=image_size, layers=made)


def resnet101(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Stages of 3, 4, 23 and 3 bottleneck blocks (42,512,970 parameters at K 10); options as in `resnet18`."""
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return ResNet(num_classes, Bottleneck, (3, 4, 23, 3), in_channels=in_channels, size=image_size, layers=made)


class ResNet(nn.Module):
    """Four stages of 64, 128, 256 and 512 channels (bottlenecks: four times as many between blocks); all but the first halve
    the image. features: (B, 512), with bottlenecks (B, 2048)."""

    def __init__(
        self,
        num_classes: int,
        block: "type[Basic] | type[Bottleneck]",
        blocks: tuple[int, ...],
        *,
        in_channels: int,
        size: int,
        layers: Layers,
    ) -> None:
        super().__init__()
        self.stem = layers.conv(in_channels, 64, 3, size=size)
        self.norm = nn.BatchNorm2d(64)
        self.activation = layers.activation()
        stages: list[nn.Module] = []
        width_in = 64
        for stage, count in enumerate(blocks):
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                stages.append(block(width_in, 64 * 2**stage, stride, size=size, layers=layers))
                width_in, size = 64 * 2**stage * block.expansion, -(-size // stride)
        self.blocks = nn.Sequential(*stages)
        self.head = nn.Linear(width_in, num_classes)
        he_normal(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.activation(self.norm(self.stem(images)))).mean(dim=(2, 3))  # (B, D)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Basic(nn.Module):
    """Two 3x3 convolutions with batch norm (He et al. 2016, figure 5, left)."""

    expansion = 1

    def __init__(self, width_in: int, width: int, stride: int, *, size: int, layers: Layers) -> None:
        super().__init__()
        self.conv1 = layers.conv(width_in, width, 3, size=size, stride=stride)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = layers.conv(width, width, 3, size=-(-size // stride))
        self.norm2 = nn.BatchNorm2d(width)
        self.activation = layers.activation()
        self.shortcut = _shortcut(width_in, width, stride, size=size, layers=layers)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        inner = self.activation(self.norm1(self.conv1(activations)))
        return self.activation(self.norm2(self.conv2(inner)) + self.shortcut(activations))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution with batch norm (He et al. 2016, figure 5, right).

    The 3x3 convolution has the stride, so that no position is skipped; in the paper the first 1x1 convolution has it.
    """

    expansion = 4

    def __init__(self, width_in: int, width: int, stride: int, *, size: int, layers: Layers) -> None:
        super().__init__()
        self.conv1 = layers.conv(width_in, width, 1, size=size)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = layers.conv(width, width, 3, size=size, stride=stride)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = layers.conv(width, 4 * width, 1, size=-(-size // stride))
        self.norm3 = nn.BatchNorm2d(4 * width)
        self.activation = layers.activation()
        self.shortcut = _shortcut(width_in, 4 * width, stride, size=size, layers=layers)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        inner = self.activation(self.norm1(self.conv1(activations)))
        inner = self.activation(self.norm2(self.conv2(inner)))
        return self.activation(self.norm3(self.conv3(inner)) + self.shortcut(activations))


def _shortcut(width_in: int, width: int, stride: int, *, size: int, layers: Layers) -> nn.Module:
    if width_in == width and stride == 1:
        return nn.Identity()
    if layers.mod:
        return PoolAndPad(width - width_in, stride)
    return nn.Sequential(layers.conv(width_in, width, 1, size=size, stride=stride), nn.BatchNorm2d(width))
