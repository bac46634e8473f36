"""Networks whose batch norms are bounded as their convolutions are (Gouk et al. 2021; in the code of Mukhoti et al. 2023)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from softcifar.models.layers import COEFF
from softcifar.models.resnet import resnet
from softcifar.models.resnet_imagenet import resnet18, resnet34, resnet50
from softcifar.models.vgg import vgg16
from softcifar.models.wide_resnet import wrn28_10
from softcifar.params.ranges import FractionBelowOne, Positive, PositiveInt

NAMED = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50, "vgg16": vgg16, "wrn28_10": wrn28_10}


def spectral_batch_norm(
    num_classes: int,
    *,
    in_channels: PositiveInt = 3,
    image_size: PositiveInt = 32,
    of: Literal[
        "resnet8", "resnet20", "resnet32", "resnet56", "resnet18", "resnet34", "resnet50", "vgg16", "wrn28_10"
    ] = "resnet18",
    coeff: Positive = COEFF,
    mod: bool = False,
    dropout: FractionBelowOne = 0.0,
) -> nn.Module:
    """The network `of` with spectral_norm, and with batch norms that stretch no difference of two images more than `coeff`.

    Without the latter `spectral_norm` bounds the convolutions alone, and what a batch norm multiplies by is free to undo it.
    Parameters and their initial values are those of the network itself. coeff: of convolutions and batch norms alike. mod,
    dropout: options of the network.
    """
    shared = {"in_channels": in_channels, "image_size": image_size, "mod": mod, "dropout": dropout}
    if of in NAMED:
        network = NAMED[of](num_classes, spectral_norm=True, coeff=coeff, **shared)
    else:
        network = resnet(num_classes, depth=int(of.removeprefix("resnet")), spectral_norm=True, coeff=coeff, **shared)
    norms = [
        (module, name, child)
        for module in network.modules()
        for name, child in module.named_children()
        if isinstance(child, nn.BatchNorm2d)
    ]
    for module, name, child in norms:
        setattr(module, name, SpectralBatchNorm(child, coeff=coeff))
    return network


class SpectralBatchNorm(nn.BatchNorm2d):
    """Batch norm whose scale gamma is divided by max(1, s / coeff), s = max_c |gamma_c| / sqrt(running variance_c + eps).

    In evaluation batch norm is a linear map with the operator norm s, a shift apart (Gouk et al. 2021),
    so its norm is at most coeff. In training it divides by the batch's own deviation, and s by the running one, as it was
    before the batch. The gradient flows through s. The shift beta is left as it is.
    """

    def __init__(self, norm: nn.BatchNorm2d, *, coeff: float) -> None:
        """norm: the batch norm in whose place it comes, and whose parameters and statistics it starts from."""
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.load_state_dict(norm.state_dict())
        self.coeff = coeff

    def scale(self) -> torch.Tensor:
        """(C,): gamma / max(1, s / coeff)."""
        stretch = (self.weight / (self.running_var + self.eps).sqrt()).abs().amax()
        return self.weight / (stretch / self.coeff).clamp(min=1)

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        scale, share = self.scale(), self.momentum
        if self.training:
            self.num_batches_tracked.add_(1)
            share = 1 / float(self.num_batches_tracked) if share is None else share  # None: a mean over all batches
        return F.batch_norm(
            activations, self.running_mean, self.running_var, scale, self.bias, self.training, share or 0.0, self.eps
        )

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, coeff={self.coeff}"
