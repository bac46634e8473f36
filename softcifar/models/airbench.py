"""The network of the CIFAR-10 speed runs: airbench94 (Jordan 2024), after ResNet-9 (Page 2018), hlb-CIFAR10 (Balsam 2023)."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from softcifar.errors import UserError
from softcifar.models.batch import require_several
from softcifar.models.dropout import Dropout
from softcifar.models.layers import Layers, make_layers
from softcifar.models.spectral import SpectralNorm
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt

DIVISOR = 9.0  # of the logits
RIDGE = 5e-4  # added to the eigenvalues of the patches
MOMENTUM, EPSILON = 0.4, 1e-12  # of batch norm's running statistics; beside its variance


def airbench(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    width1: PositiveInt = 64,
    width2: PositiveInt = 256,
    width3: PositiveInt = 256,
    whitening: bool = True,
    dirac: bool = True,
    norm_scale: bool = False,
    residual: bool = False,
    spectral_norm: bool = False,
    coeff: Positive | None = None,
    dropout: FractionBelowOne = 0.0,
    covariance: list[list[float]] | None = None,
) -> nn.Module:
    """A 2x2 convolution, three groups of two 3x3 convolutions with GELU, global max-pooling, a linear layer, logits / 9.

    A group halves the image once, by max-pooling after its first convolution, as long as it has more than one pixel a side.
    width1, width2, width3: channels of the groups (1,971,352 trained parameters at 3x32x32, K 10, and 288 frozen ones).
    whitening: the 2x2 convolution is frozen, only its bias is trained: the eigenvectors of the covariance of the training
    images' 2x2 patches, each divided by sqrt(eigenvalue + 5e-4), then their negatives. dirac: as far as there are input
    channels, a 3x3 filter starts as the identity. norm_scale: batch norm trains its scale too, and not its bias alone.
    residual: a group adds its input, average-pooled and padded with zero channels, to its last batch norm, as the
    distance-preserving argument behind spectral_norm needs it; widths may not shrink then. spectral_norm, coeff: of the
    convolutions that are trained (softcifar.models.layers). dropout: probability of zeroing an activation after a GELU.
    covariance: float (4C, 4C) of softcifar.data.patches, which the study's inputs hold; None stands for the identity.
    """
    layers = make_layers(spectral_norm=spectral_norm, coeff=coeff, mod=False, dropout=dropout)
    first = 8 * in_channels
    widths = (first, width1, width2, width3)
    if residual and list(widths) != sorted(widths):
        raise UserError(
            f"network airbench: found widths {width1}, {width2}, {width3} with residual: true; allowed there: widths that do "
            f"not shrink, from {first} on"
        )
    if image_size < 2:
        raise UserError(f"network airbench: found images of {image_size} x {image_size} pixels; allowed: at least 2 x 2")
    network = Airbench(num_classes, in_channels, image_size, widths, layers, norm_scale=norm_scale, residual=residual)
    if whitening:
        freeze(network.stem, torch.tensor(whitened(np.eye(4 * in_channels) if covariance is None else np.array(covariance))))
    elif layers.coeff is not None:
        network.stem = SpectralNorm(network.stem, size=image_size, coeff=layers.coeff)
    if dirac:
        start_as_identity(network)
    return network


class Airbench(nn.Module):
    """See `airbench`. features: (B, width3)."""

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        side: int,
        widths: tuple[int, ...],
        layers: Layers,
        *,
        norm_scale: bool,
        residual: bool,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, widths[0], 2)
        nn.init.zeros_(self.stem.bias)
        side -= 1
        groups: list[nn.Module] = []
        for width_in, width in itertools.pairwise(widths):
            groups.append(Group(width_in, width, side, layers, norm_scale=norm_scale, residual=residual))
            side = max(1, side // 2)
        self.side = side
        self.groups = nn.Sequential(*groups)
        self.head = Head(widths[-1], num_classes, bias=False)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        if self.side == 1:
            require_several(images, self, "airbench")
        activations = self.groups(F.gelu(self.stem(images)))
        return F.max_pool2d(activations, self.side).flatten(1)  # (B, width3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


class Group(nn.Module):
    """Two 3x3 convolutions with batch norm and GELU; the first one's output is max-pooled."""

    def __init__(self, width_in: int, width: int, side: int, layers: Layers, *, norm_scale: bool, residual: bool) -> None:
        """side: height and width of the images that come in."""
        super().__init__()
        self.pool = 2 if side > 1 else 1
        self.extra = width - width_in if residual else None
        self.conv1 = layers.conv(width_in, width, 3, size=side)
        self.norm1 = norm(width, norm_scale)
        self.conv2 = layers.conv(width, width, 3, size=side // self.pool)
        self.norm2 = norm(width, norm_scale)
        self.dropout = Dropout(layers.dropout)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        inner = self.dropout(F.gelu(self.norm1(F.max_pool2d(self.conv1(activations), self.pool))))
        out = self.norm2(self.conv2(inner))
        if self.extra is not None:
            out = out + F.pad(F.avg_pool2d(activations, self.pool), (0, 0, 0, 0, 0, self.extra))
        return self.dropout(F.gelu(out))


class Head(nn.Linear):
    """A linear layer whose output is divided by DIVISOR."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(features) / DIVISOR


def norm(width: int, scale: bool) -> nn.BatchNorm2d:
    """Batch norm; without `scale` it is 1 and only the bias is trained."""
    made = nn.BatchNorm2d(width, eps=EPSILON, momentum=MOMENTUM)
    if not scale:
        del made.weight  # a scale of None has no gradient of the bias on CUDA
        made.register_buffer("weight", torch.ones(width), persistent=False)
    return made


def whitened(covariance: np.ndarray) -> np.ndarray:
    """Filters float32 (8C, C, 2, 2); patches with this covariance (4C, 4C) leave them uncorrelated, with variances near 1.

    The eigenvectors by falling eigenvalue, their largest component positive, each divided by sqrt(eigenvalue + RIDGE), then
    their negatives.
    """
    values, vectors = np.linalg.eigh(covariance)
    vectors = vectors * np.sign(np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0))
    filters = (vectors / np.sqrt(values.clip(min=0) + RIDGE)).T[::-1]
    return np.concatenate([filters, -filters]).astype(np.float32).reshape(2 * len(covariance), -1, 2, 2)


def freeze(conv: nn.Conv2d, weight: torch.Tensor) -> None:
    """Give the convolution this weight, as a buffer: it is saved with the network and not trained."""
    del conv.weight
    conv.register_buffer("weight", weight)


def start_as_identity(network: Airbench) -> None:
    """As many filters of every 3x3 convolution as it has inputs pass one input channel on; the others stay as they are."""
    with torch.no_grad():
        for group in network.groups:
            for conv in (group.conv1, group.conv2):
                weight = (conv.conv if isinstance(conv, SpectralNorm) else conv).weight
                nn.init.dirac_(weight[: weight.shape[1]])
