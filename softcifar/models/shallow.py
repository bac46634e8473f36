"""The shallow convolutional network that learns from students (Maher & Kull 2021): three convolutions, one hidden layer."""

import torch
import torch.nn.functional as F
from torch import nn

from softcifar.models.batch import require_several
from softcifar.models.dropout import Dropout
from softcifar.params.options import require
from softcifar.params.ranges import FractionBelowOne, PositiveInt


def shallow(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    dropout: FractionBelowOne = 0.5,
) -> nn.Module:
    """Three times 3x3 convolution (32, 64, 128 channels), batch norm, 2x2 max-pooling, ReLU; then 128 units with batch norm,
    ReLU and dropout (357,514 parameters at 3x32x32, K 10).

    Convolutions are padded and, as published, have biases although batch norm follows. image_size >= 8: it is halved three
    times.
    """
    require(image_size >= 8, "network shallow: image_size", image_size, "8 or more (it is halved three times)")
    return Shallow(num_classes, in_channels=in_channels, image_size=image_size, dropout=dropout)


class Shallow(nn.Module):
    """See `shallow`. features: (B, 128)."""

    def __init__(self, num_classes: int, *, in_channels: int, image_size: int, dropout: float) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for width_in, width in ((in_channels, 32), (32, 64), (64, 128)):
            # ReLU after the pooling: the same values for a quarter of the work.
            steps += [nn.Conv2d(width_in, width, 3, padding=1), nn.BatchNorm2d(width), nn.MaxPool2d(2), nn.ReLU()]
        self.convolutions = nn.Sequential(*steps)
        self.hidden = nn.Linear(128 * (image_size // 8) ** 2, 128)
        self.norm = nn.BatchNorm1d(128)
        self.drop = Dropout(dropout)
        self.head = nn.Linear(128, num_classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        require_several(images, self, "shallow")
        activations = self.convolutions(images)
        flat = activations.reshape(len(activations), -1)  # not a view: they lie channels last in memory
        return self.drop(F.relu(self.norm(self.hidden(flat))))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))
