"""The pre-activation bottleneck ResNet of depth 9n+2 (He et al. 2016b), as label relaxation has it from Keras' examples."""

import torch
from torch import nn

from softcifar.models.initialisation import he_normal
from softcifar.models.layers import Layers, make_layers
from softcifar.models.shortcut import PoolAndPad
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt


def resnet56_v2(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """Three stages of 6 blocks, 16 channels before them, 64, 128 and 256 after each (1,663,338 parameters at K 10).

    Convolutions have biases; the shortcut is a 1x1 convolution without batch norm at the beginning of each stage.
    spectral_norm, coeff, mod: see softcifar.models.layers; mod takes average pooling and zero channels for those shortcuts.
    dropout: probability of zeroing an activation after each ReLU. image_size is not restricted: the last pooling is global.
    Weights are he_normal by fan_in, biases 0, as in Keras; batch norm has torch's momentum and epsilon, not Keras'.
    """
    made = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=mod, dropout=dropout)
    return ResNetV2(num_classes, blocks=6, in_channels=in_channels, size=image_size, layers=made)


class ResNetV2(nn.Module):
    """See `resnet56_v2`. features: (B, 256)."""

    def __init__(self, num_classes: int, *, blocks: int, in_channels: int, size: int, layers: Layers) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            layers.conv(in_channels, 16, 3, size=size, bias=True), nn.BatchNorm2d(16), layers.activation()
        )
        stages: list[nn.Module] = []
        width_in = 16
        for inner, width, first_stride in ((16, 64, 1), (64, 128, 2), (128, 256, 2)):
            for number in range(blocks):
                stride = first_stride if number == 0 else 1
                # The stem ends in batch norm and ReLU, so the first block does not begin with them.
                stages.append(Block(width_in, inner, width, stride, size=size, activated=not stages, layers=layers))
                width_in, size = width, -(-size // stride)
        self.blocks = nn.Sequential(*stages, nn.BatchNorm2d(256), layers.activation())
        self.head = nn.Linear(256, num_classes)
        he_normal(self, mode="fan_in")
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="relu")
        nn.init.zeros_(self.head.bias)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.stem(images)).mean(dim=(2, 3))  # (B, 256)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Block(nn.Module):
    """Batch norm, ReLU and convolution, three times: 1x1 to `inner` channels, 3x3, 1x1 to `width` (He et al. 2016b, figure 4e).

    The first convolution has the stride. activated: the input comes from a ReLU, so the first batch norm and ReLU are left
    out.
    """

    def __init__(
        self, width_in: int, inner: int, width: int, stride: int, *, size: int, activated: bool, layers: Layers
    ) -> None:
        super().__init__()
        reduced = -(-size // stride)
        first = [] if activated else [nn.BatchNorm2d(width_in), layers.activation()]
        self.residual = nn.Sequential(
            *first,
            layers.conv(width_in, inner, 1, size=size, stride=stride, bias=True),
            nn.BatchNorm2d(inner),
            layers.activation(),
            layers.conv(inner, inner, 3, size=reduced, bias=True),
            nn.BatchNorm2d(inner),
            layers.activation(),
            layers.conv(inner, width, 1, size=reduced, bias=True),
        )
        if width_in == width:
            self.shortcut = nn.Identity()
        elif layers.mod:
            self.shortcut = PoolAndPad(width - width_in, stride)
        else:
            self.shortcut = layers.conv(width_in, width, 1, size=size, stride=stride, bias=True)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        return self.shortcut(activations) + self.residual(activations)
