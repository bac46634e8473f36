"""LeNet-5 (LeCun et al. 1998, section II.B) with today's ReLU and max-pooling."""

import torch
from torch import nn

from softcifar.models.dropout import Dropout
from softcifar.params.options import require
from softcifar.params.ranges import FractionBelowOne, PositiveInt


def lenet(
    num_classes: int, *, in_channels: PositiveInt = 3, image_size: PositiveInt = 32, dropout: FractionBelowOne = 0.0
) -> nn.Module:
    """Two 5x5 convolutions (6 and 16 channels) without padding, each with ReLU and 2x2 max-pooling; 120 and 84 units.

    44,426 parameters at 1x28x28, 62,006 at 3x32x32 (K 10). dropout: probability of zeroing an activation after each ReLU.
    image_size >= 16: the second pooling leaves one pixel of it. Weights and biases start uniform in +-1/sqrt(inputs of the
    layer), torch's own.
    """
    require(image_size >= 16, "network lenet: image_size", image_size, "16 or more (nothing would be left of a smaller image)")
    return LeNet(num_classes, in_channels=in_channels, size=image_size, dropout=dropout)


class LeNet(nn.Module):
    """See `lenet`. features: (B, 84)."""

    def __init__(self, num_classes: int, *, in_channels: int, size: int, dropout: float) -> None:
        super().__init__()
        left = ((size - 4) // 2 - 4) // 2
        self.convolutions = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5),
            nn.ReLU(),
            Dropout(dropout),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            Dropout(dropout),
            nn.MaxPool2d(2),
        )
        self.hidden = nn.Sequential(
            nn.Linear(16 * left**2, 120), nn.ReLU(), Dropout(dropout), nn.Linear(120, 84), nn.ReLU(), Dropout(dropout)
        )
        self.head = nn.Linear(84, num_classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        activations = self.convolutions(images)
        return self.hidden(activations.reshape(len(activations), -1))  # not a view: they lie channels last in memory

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))
