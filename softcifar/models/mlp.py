"""A fully connected network: two hidden layers of 1024 ReLU units, or as many as asked."""

import torch
from torch import nn

from softcifar.models.dropout import Dropout
from softcifar.params.ranges import FractionBelowOne, PositiveInt


def mlp(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    width: PositiveInt = 1024,
    layers: PositiveInt = 2,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """`layers` hidden layers of `width` ReLU units on the flattened image (1,863,690 parameters at 1x28x28, K 10).

    dropout: probability of zeroing an activation after each ReLU (0 = none). Weights and biases start uniform in
    +-1/sqrt(inputs of the layer), torch's own.
    """
    return MLP(num_classes, in_channels * image_size**2, width=width, layers=layers, dropout=dropout)


class MLP(nn.Module):
    """See `mlp`. features: (B, width)."""

    def __init__(self, num_classes: int, inputs: int, *, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for layer in range(layers):
            steps += [nn.Linear(inputs if layer == 0 else width, width), nn.ReLU(), Dropout(dropout)]
        self.hidden = nn.Sequential(*steps)
        self.head = nn.Linear(width, num_classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.hidden(images.reshape(len(images), -1))  # not a view: images lie channels last in memory

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))
