"""SNGP whose precision is a moving average over the steps of training (Liu et al. 2020, algorithm 1)."""

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import nn

from softcifar.methods.sngp import SNGP, RandomFeatureGP
from softcifar.params.ranges import NonNegative, OpenFraction, Positive, PositiveInt


class MovingAverageSNGP(SNGP):
    """SNGP's layer and prediction; its precision is gathered while the network trains, not in a pass after training.

    momentum: m, how much of the average a step keeps: A <- m A + (1 - m) mean_i w_i phi_i phi_i^T over the images i of its
    batch, as training sees them: augmented, standardised by the batch's own statistics, with the weights before the step. The
    precision is ridge I + N A / (1 - m^t) for N training images after t steps. The division makes the steps' shares sum to 1,
    so that the start of A at 0 does not count. Other options as in SNGP, and with N they mean what they mean there.
    The reference implementation starts at ridge I and averages that as well, so its precision is m^t ridge I + A.
    """

    title = "SNGP, moving average"

    def __init__(
        self,
        *,
        momentum: OpenFraction = 0.999,
        features: PositiveInt = 1024,
        length_scale: Positive = 1.0,
        ridge: Positive = 1.0,
        likelihood: Literal["gaussian", "softmax"] = "gaussian",
        mean_field: NonNegative | Literal["fitted"] = math.pi / 8,
    ) -> None:
        super().__init__(
            features=features, length_scale=length_scale, ridge=ridge, likelihood=likelihood, mean_field=mean_field
        )
        self.momentum = momentum

    def head(self, features: int, num_classes: int) -> nn.Module:
        gp = MovingAverageGP(
            features, num_classes, self.features, self.length_scale, self.ridge, self.likelihood, self.momentum
        )
        if self.mean_field != "fitted":
            gp.mean_field.fill_(self.mean_field)
        return gp

    def finish(
        self,
        classifier: nn.Module,
        train: Iterable[torch.Tensor],
        validation: Iterable[torch.Tensor],
        validation_labels: np.ndarray,
    ) -> dict[str, float]:
        classifier.network.head.scale_to(sum(len(pixels) for pixels in train))
        return super().finish(classifier, (), validation, validation_labels)


class MovingAverageGP(RandomFeatureGP):
    """Every forward pass in training moves `precision`, the average A; `scale_to` makes the precision of it.

    share: 1 - m^t, the sum of the shares that the steps have in the average.
    """

    def __init__(
        self,
        inputs: int,
        num_classes: int,
        features: int,
        length_scale: float,
        ridge: float,
        likelihood: str,
        momentum: float,
    ) -> None:
        super().__init__(inputs, num_classes, features, length_scale, ridge, likelihood)
        self.momentum = momentum
        self.register_buffer("share", torch.zeros(()))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        phi = self.phi(features)
        with torch.autocast(features.device.type, enabled=False):
            logits = self.mean(phi)
            if self.training:
                self.move(phi.detach(), logits.detach())
            return logits

    @torch.no_grad()
    def move(self, phi: torch.Tensor, logits: torch.Tensor) -> None:
        """One step of the average; phi (B, D), logits (B, K)."""
        if self.likelihood == "softmax":
            top = logits.softmax(dim=1).amax(dim=1)
            phi = phi * (top * (1 - top)).sqrt()[:, None]
        self.precision.mul_(self.momentum).add_(phi.T @ phi, alpha=(1 - self.momentum) / len(phi))
        self.share.mul_(self.momentum).add_(1 - self.momentum)

    @torch.no_grad()
    def scale_to(self, images: int) -> None:
        """The average becomes the precision of so many images."""
        self.precision.mul_(images / self.share)

    def fit_precision(self, batches: Iterable[torch.Tensor]) -> None:
        """Nothing: training has gathered the precision."""
