"""DenseNet-BC for CIFAR-sized images (Huang et al. 2017): every layer sees the outputs of all before it."""

import torch
import torch.nn.functional as F
from torch import nn

from softcifar.models.dropout import Dropout
from softcifar.params.options import require
from softcifar.params.ranges import FractionBelowOne, PositiveInt

GROWTH = 12  # channels that a layer adds


def densenet_bc_40_12(
    num_classes: int, *, in_channels: PositiveInt = 3, image_size: PositiveInt = 32, dropout: FractionBelowOne = 0.0
) -> nn.Module:
    """Depth 40: three blocks of 6 layers (176,122 parameters at 3x32x32, K 10).

    dropout: probability of zeroing an output of a convolution, after each but the first (the paper's .2 where nothing is
    augmented; 0 = none). image_size >= 4: it is halved twice.
    """
    return DenseNet(num_classes, layers=6, in_channels=in_channels, image_size=image_size, dropout=dropout)


def densenet_bc_100_12(
    num_classes: int, *, in_channels: PositiveInt = 3, image_size: PositiveInt = 32, dropout: FractionBelowOne = 0.0
) -> nn.Module:
    """Depth 100: three blocks of 16 layers (769,162 parameters at 3x32x32, K 10); options as in `densenet_bc_40_12`."""
    return DenseNet(num_classes, layers=16, in_channels=in_channels, image_size=image_size, dropout=dropout)


class DenseNet(nn.Module):
    """Three dense blocks of `layers` bottleneck layers, between them transitions that halve channels and size.

    features: (B, D) after the last batch norm and ReLU, D 132 at depth 40, 342 at depth 100.
    """

    def __init__(self, num_classes: int, *, layers: int, in_channels: int, image_size: int, dropout: float) -> None:
        super().__init__()
        require(image_size >= 4, "network densenet_bc: image_size", image_size, "4 or more (it is halved twice)")
        width = 2 * GROWTH
        steps: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, padding=1, bias=False)]
        for block in range(3):
            for _ in range(layers):
                steps.append(Layer(width, dropout))
                width += GROWTH
            if block < 2:
                steps.append(Transition(width, width // 2, dropout))
                width //= 2
        self.blocks = nn.Sequential(*steps)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.head.bias)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.blocks(images))).mean(dim=(2, 3))  # (B, D)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Layer(nn.Module):
    """Batch norm, ReLU, 1x1 convolution to 4 times the growth; batch norm, ReLU, 3x3 convolution; appended to its input."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, 4 * GROWTH, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * GROWTH)
        self.conv2 = nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False)
        self.drop = Dropout(dropout)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        inner = self.drop(self.conv1(F.relu(self.norm1(activations))))
        return torch.cat([activations, self.drop(self.conv2(F.relu(self.norm2(inner))))], dim=1)


class Transition(nn.Module):
    """Batch norm, ReLU, 1x1 convolution, 2x2 average pooling."""

    def __init__(self, width_in: int, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width_in)
        self.conv = nn.Conv2d(width_in, width, 1, bias=False)
        self.drop = Dropout(dropout)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(self.drop(self.conv(F.relu(self.norm(activations)))), 2)
