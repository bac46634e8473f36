"""Inception-v4 (Szegedy et al. 2017) with a stem for small images."""

import torch
from torch import nn

from softcifar.models.dropout import Dropout
from softcifar.models.initialisation import he_normal
from softcifar.params.options import require
from softcifar.params.ranges import FractionBelowOne, PositiveInt


def inception_v4(
    num_classes: int, *, in_channels: PositiveInt = 3, image_size: PositiveInt = 32, dropout: FractionBelowOne = 0.2
) -> nn.Module:
    """Stem, 4 modules A, reduction, 7 modules B, reduction, 3 modules C (41,158,186 parameters at K 10).

    The stem has stride 1 and padding throughout, where the paper's shrinks 299 pixels to 35; the two reductions are the
    paper's, so that 32 pixels become 15 and 7. dropout: probability of zeroing one of the 1536 features (the paper's .2).
    image_size >= 7: the reductions leave one pixel of it.
    """
    require(image_size >= 7, "network inception_v4: image_size", image_size, "7 or more (it is reduced twice)")
    return InceptionV4(num_classes, in_channels=in_channels, dropout=dropout)


class InceptionV4(nn.Module):
    """See `inception_v4`. features: (B, 1536)."""

    def __init__(self, num_classes: int, *, in_channels: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            stem(in_channels),
            *(module_a() for _ in range(4)),
            reduction_a(),
            *(module_b() for _ in range(7)),
            reduction_b(),
            *(module_c() for _ in range(3)),
        )
        self.drop = Dropout(dropout)
        self.head = nn.Linear(1536, num_classes)
        he_normal(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.drop(self.blocks(images).mean(dim=(2, 3)))  # (B, 1536)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Parallel(nn.Module):
    """Branches of the same input, their channels side by side."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(activations) for branch in self.branches], dim=1)


def conv(width_in: int, width: int, kernel: int | tuple[int, int], *, reduce: bool = False) -> nn.Module:
    """Convolution, batch norm, ReLU. The size stays; with `reduce` stride 2 and no padding ("V" in the paper's figures)."""
    height, breadth = (kernel, kernel) if isinstance(kernel, int) else kernel
    stride, padding = (2, 0) if reduce else (1, (height // 2, breadth // 2))
    convolution = nn.Conv2d(width_in, width, (height, breadth), stride=stride, padding=padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU())


def pooled(width_in: int, width: int) -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), conv(width_in, width, 1))


def stem(in_channels: int) -> nn.Module:
    """Figure 3: to 384 channels."""
    return nn.Sequential(
        conv(in_channels, 32, 3),
        conv(32, 32, 3),
        conv(32, 64, 3),
        Parallel(nn.MaxPool2d(3, stride=1, padding=1), conv(64, 96, 3)),
        Parallel(
            nn.Sequential(conv(160, 64, 1), conv(64, 96, 3)),
            nn.Sequential(conv(160, 64, 1), conv(64, 64, (7, 1)), conv(64, 64, (1, 7)), conv(64, 96, 3)),
        ),
        Parallel(conv(192, 192, 3), nn.MaxPool2d(3, stride=1, padding=1)),
    )


def module_a() -> nn.Module:
    """Figure 4: 384 channels."""
    return Parallel(
        pooled(384, 96),
        conv(384, 96, 1),
        nn.Sequential(conv(384, 64, 1), conv(64, 96, 3)),
        nn.Sequential(conv(384, 64, 1), conv(64, 96, 3), conv(96, 96, 3)),
    )


def reduction_a() -> nn.Module:
    """Figure 7 with the k, l, m, n of table 1: from 384 to 1024 channels."""
    return Parallel(
        nn.MaxPool2d(3, stride=2),
        conv(384, 384, 3, reduce=True),
        nn.Sequential(conv(384, 192, 1), conv(192, 224, 3), conv(224, 256, 3, reduce=True)),
    )


def module_b() -> nn.Module:
    """Figure 5: 1024 channels."""
    return Parallel(
        pooled(1024, 128),
        conv(1024, 384, 1),
        nn.Sequential(conv(1024, 192, 1), conv(192, 224, (1, 7)), conv(224, 256, (7, 1))),
        nn.Sequential(
            conv(1024, 192, 1),
            conv(192, 192, (1, 7)),
            conv(192, 224, (7, 1)),
            conv(224, 224, (1, 7)),
            conv(224, 256, (7, 1)),
        ),
    )


def reduction_b() -> nn.Module:
    """Figure 8: from 1024 to 1536 channels."""
    return Parallel(
        nn.MaxPool2d(3, stride=2),
        nn.Sequential(conv(1024, 192, 1), conv(192, 192, 3, reduce=True)),
        nn.Sequential(conv(1024, 256, 1), conv(256, 256, (1, 7)), conv(256, 320, (7, 1)), conv(320, 320, 3, reduce=True)),
    )


def module_c() -> nn.Module:
    """Figure 6: 1536 channels."""
    return Parallel(
        pooled(1536, 256),
        conv(1536, 256, 1),
        nn.Sequential(conv(1536, 384, 1), Parallel(conv(384, 256, (1, 3)), conv(384, 256, (3, 1)))),
        nn.Sequential(
            conv(1536, 384, 1),
            conv(384, 448, (1, 3)),
            conv(448, 512, (3, 1)),
            Parallel(conv(512, 256, (3, 1)), conv(512, 256, (1, 3))),
        ),
    )
