"""The CIFAR ResNet of depth 6n+2 (He et al. 2016, section 4.2)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from softcifar.errors import UserError
from softcifar.models.dropout import Dropout
from softcifar.ranges import FractionBelowOne, PositiveInt


def resnet(
    num_classes: int,
    *,
    depth: PositiveInt,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    shortcut: Literal["projection", "pool"] = "projection",
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Three stages of n blocks with 16, 32 and 64 channels, depth = 6n+2.

    shortcut 'projection': 1x1 convolution with batch norm where the width changes (272,474 parameters at depth 20, K 10);
    'pool': average pooling and zero padding (269,722). dropout: probability of zeroing an activation after each ReLU
    (element-wise, as in Soft CIFAR; 0 = none). image_size is not restricted: the last pooling is global.
    """
    if depth < 8 or (depth - 2) % 6:
        nearest = max(8, 6 * round((depth - 2) / 6) + 2)
        raise UserError(f"network: found resnet{depth}; allowed: resnet<6n+2>, the nearest is resnet{nearest}")
    return ResNet(num_classes, blocks=(depth - 2) // 6, in_channels=in_channels, shortcut=shortcut, dropout=dropout)


class ResNet(nn.Module):
    """See `resnet`. features: (B, 64)."""

    def __init__(self, num_classes: int, *, blocks: int, in_channels: int, shortcut: str, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.drop = Dropout(dropout)
        stages, width_in = [], 16
        for width, stride in ((16, 1), (32, 2), (64, 2)):
            for block in range(blocks):
                stages.append(Block(width_in, width, stride if block == 0 else 1, shortcut, dropout))
                width_in = width
        self.blocks = nn.Sequential(*stages)
        self.head = nn.Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, images: torch.Tensor) -> torch.Tensor:
        activations = self.drop(F.relu(self.norm(self.stem(images))))
        return self.blocks(activations).mean(dim=(2, 3))  # (B, 64)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut (He et al. 2016, figure 2)."""

    def __init__(self, width_in: int, width: int, stride: int, shortcut: str, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.drop = Dropout(dropout)
        if width_in == width and stride == 1:
            self.shortcut = nn.Identity()
        elif shortcut == "projection":
            self.shortcut = nn.Sequential(nn.Conv2d(width_in, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width))
        else:
            self.shortcut = PoolAndPad(width - width_in, stride)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        inner = self.drop(F.relu(self.norm1(self.conv1(activations))))
        return self.drop(F.relu(self.norm2(self.conv2(inner)) + self.shortcut(activations)))


class PoolAndPad(nn.Module):
    """The shortcut without parameters: average pooling, then zero channels at the end."""

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        pooled = F.avg_pool2d(activations, self.stride, ceil_mode=True) if self.stride > 1 else activations
        return F.pad(pooled, (0, 0, 0, 0, 0, self.extra))
