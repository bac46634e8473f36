"""A small convolutional network of the plain kind: a short VGG."""

import torch
from torch import nn

from softcifar.models.dropout import Dropout
from softcifar.models.initialisation import he_normal
from softcifar.params.ranges import FractionBelowOne, PositiveInt


def convnet(
    num_classes: int, *, in_channels: PositiveInt = 3, image_size: PositiveInt = 32, dropout: FractionBelowOne = 0.0
) -> nn.Module:
    """Three stages of 32, 64 and 128 channels, each twice 3x3 convolution, batch norm and ReLU, then 2x2 max-pooling; global
    average pooling and one linear layer (288,746 parameters at 3x32x32, K 10).

    This project's own choice where a study asks for a small network without shortcuts: as large as ResNet-20.
    dropout: probability of zeroing an activation after each ReLU. image_size is not restricted: half of an odd size is
    rounded up.
    """
    return ConvNet(num_classes, in_channels=in_channels, dropout=dropout)


class ConvNet(nn.Module):
    """See `convnet`. features: (B, 128)."""

    def __init__(self, num_classes: int, *, in_channels: int, dropout: float) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        width_in = in_channels
        for width in (32, 64, 128):
            for _ in range(2):
                convolution = nn.Conv2d(width_in, width, 3, padding=1, bias=False)
                steps += [convolution, nn.BatchNorm2d(width), nn.ReLU(), Dropout(dropout)]
                width_in = width
            steps.append(nn.MaxPool2d(2, ceil_mode=True))
        self.convolutions = nn.Sequential(*steps)
        self.head = nn.Linear(128, num_classes)
        he_normal(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.convolutions(images).mean(dim=(2, 3))  # (B, 128)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))
