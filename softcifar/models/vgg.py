"""VGG16 with batch norm for small images (Simonyan & Zisserman 2015, configuration D)."""

import torch
from torch import nn

from softcifar.models.batch import require_several
from softcifar.models.dropout import Dropout
from softcifar.models.initialisation import he_normal
from softcifar.models.layers import make_layers
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # channels; 2x2 max-pooling after each


def vgg16(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """13 times 3x3 convolution without bias, batch norm, ReLU; then one linear layer (14,724,042 parameters at K 10).

    spectral_norm, coeff, mod: see softcifar.models.layers (there is no shortcut, so mod is LeakyReLU alone). dropout:
    probability of zeroing an activation after each ReLU. image_size is not restricted: half of an odd size is rounded up,
    and what five halvings leave of a large image is averaged.
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    steps: list[nn.Module] = []
    width_in, size = in_channels, image_size
    for stage in STAGES:
        for width in stage:
            steps += [made.conv(width_in, width, 3, size=size), nn.BatchNorm2d(width), made.activation()]
            width_in = width
        steps.append(nn.MaxPool2d(2, ceil_mode=True))
        size = -(-size // 2)
    network = VGG(nn.Sequential(*steps), nn.Sequential(), num_classes)
    he_normal(network)
    return network


def vgg16_dropout(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne | None = None,
) -> nn.Module:
    """VGG16 with dropout and a hidden layer of 512 units (14,991,946 parameters at K 10), as label relaxation trains it.

    13 times 3x3 convolution with bias, ReLU, batch norm (in this order); dropout after all but the last of each stage, after
    the last pooling and after the hidden layer's ReLU and batch norm (Liu & Deng 2015, and Geifman's Keras network).
    dropout: the probability at all these places instead of the published .3 after the first convolution, .4 after the others
    and .5 around the hidden layer. Other options as in `vgg16`. Weights are Glorot-uniform, biases 0, as in Keras; batch norm
    has torch's momentum and epsilon.
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=0.0)
    first, inner, outer = (0.3, 0.4, 0.5) if dropout is None else (dropout, dropout, dropout)
    steps: list[nn.Module] = []
    width_in, size = in_channels, image_size
    for stage in STAGES:
        for number, width in enumerate(stage):
            rate = inner if steps else first
            steps += [made.conv(width_in, width, 3, size=size, bias=True), made.relu(), nn.BatchNorm2d(width)]
            if number < len(stage) - 1:
                steps.append(Dropout(rate))
            width_in = width
        steps.append(nn.MaxPool2d(2, ceil_mode=True))
        size = -(-size // 2)
    hidden = nn.Sequential(Dropout(outer), nn.Linear(512, 512), made.relu(), nn.BatchNorm1d(512), Dropout(outer))
    network = VGG(nn.Sequential(*steps), hidden, num_classes)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return network


class VGG(nn.Module):
    """Convolutions, global average pooling, hidden layers (or none), head. features: (B, 512)."""

    def __init__(self, convolutions: nn.Module, hidden: nn.Sequential, num_classes: int) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.hidden = hidden
        self.head = nn.Linear(512, num_classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        if len(self.hidden):
            require_several(images, self, "vgg16_dropout")
        return self.hidden(self.convolutions(images).mean(dim=(2, 3)))  # (B, 512)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))
