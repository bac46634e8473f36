"""SNGP's last layer, a Gaussian process by random features with a Laplace posterior (Liu et al. 2020)."""

import math
from typing import Literal

import torch
from torch import nn

from softcifar.methods.method import UncertaintyMethod
from softcifar.params.ranges import NonNegative, Positive, PositiveInt

# |phi| is 1 where a network's features are several times longer: without a gain, a learning rate that suits the network moves
# this layer too slowly by its square.
GAIN = 8.0


class SNGP(UncertaintyMethod):
    """Spectral-normalised neural Gaussian process; the spectral norm is an option of the network.

    features: random features D. length_scale: of the kernel, in units of the spread of the network's features. ridge: the
    prior's precision. likelihood: weight of an image in the precision, 'gaussian' 1 (as the reference implementation) or
    'softmax' p_max (1 - p_max) (the paper's Laplace approximation, eq. 9, with one precision for all classes). mean_field:
    lambda of the mean-field prediction, logits / sqrt(1 + lambda variance) (Lu et al. 2020); 0 predicts by the mean.
    Scores: `variance`, phi^T Sigma phi.
    """

    title = "SNGP"

    def __init__(
        self,
        *,
        features: PositiveInt = 1024,
        length_scale: Positive = 1.0,
        ridge: Positive = 1.0,
        likelihood: Literal["gaussian", "softmax"] = "gaussian",
        mean_field: NonNegative = math.pi / 8,
    ) -> None:
        self.features, self.length_scale, self.ridge = features, length_scale, ridge
        self.likelihood, self.mean_field = likelihood, mean_field

    def head(self, features: int, num_classes: int) -> nn.Module:
        return RandomFeatureGP(features, num_classes, self.features, self.length_scale, self.ridge, self.likelihood)

    def begin_epoch(self, classifier: nn.Module) -> None:
        classifier.network.head.precision.zero_()  # so that it is that of one epoch, whichever is kept

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        gp = classifier.network.head
        phi = gp.phi(classifier.features(pixels))
        return (gp.mean(phi) / (1 + self.mean_field * gp.variance(phi)).sqrt()[:, None])[None]

    def scores(self, classifier: nn.Module, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        gp = classifier.network.head
        return {"variance": gp.variance(gp.phi(classifier.features(pixels)))}


class RandomFeatureGP(nn.Module):
    """logits = beta phi(h), phi(h) = sqrt(2/D) cos(W h + b), with the posterior precision of beta, the same for all classes.

    h: the network's features, standardised by batch norm without parameters and divided by length_scale * sqrt(inputs).
    W, b: fixed; orthogonal random features (Yu et al. 2016). In training, every pass adds its images to `precision`.
    """

    def __init__(
        self, inputs: int, num_classes: int, features: int, length_scale: float, ridge: float, likelihood: str
    ) -> None:
        super().__init__()
        self.ridge, self.likelihood = ridge, likelihood
        self.norm = FeatureNorm(inputs)
        scale = length_scale * math.sqrt(inputs)
        self.register_buffer("weight", orthogonal_features(features, inputs) / scale)
        self.register_buffer("phase", 2 * math.pi * torch.rand(features))
        self.weights = nn.Linear(features, num_classes, bias=False)  # beta = GAIN * weights
        nn.init.normal_(self.weights.weight, std=1 / math.sqrt(features))
        self.register_buffer("precision", torch.zeros(features, features))
        self._factor: tuple[int, torch.Tensor] | None = None  # of the precision, with the version that it belongs to

    def phi(self, features: torch.Tensor) -> torch.Tensor:
        """(B, D) float32, whatever autocast says: the precision sums thousands of squares."""
        with torch.autocast(features.device.type, enabled=False):
            angles = nn.functional.linear(self.norm(features.float()), self.weight, self.phase)
            return math.sqrt(2 / len(self.phase)) * angles.cos()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        phi = self.phi(features)
        with torch.autocast(features.device.type, enabled=False):
            logits = self.mean(phi)
            if self.training:
                self._add(phi.detach(), logits.detach())
        return logits

    def mean(self, phi: torch.Tensor) -> torch.Tensor:
        """Logits (B, K) at the posterior mean."""
        return GAIN * self.weights(phi)

    @torch.no_grad()
    def _add(self, phi: torch.Tensor, logits: torch.Tensor) -> None:
        if self.likelihood == "softmax":
            top = logits.softmax(dim=1).amax(dim=1)
            phi = phi * (top * (1 - top)).sqrt()[:, None]
        self.precision.addmm_(phi.T, phi)

    def variance(self, phi: torch.Tensor) -> torch.Tensor:
        """phi^T (ridge I + precision)^-1 phi, (B,) float32, computed in float64."""
        version = self.precision._version
        if self._factor is None or self._factor[0] != version or self._factor[1].device != phi.device:
            with torch.inference_mode(False), torch.no_grad():  # kept for later, when gradients may be wanted
                full = self.precision.double() + self.ridge * torch.eye(len(self.phase), device=phi.device)
                self._factor = (version, torch.linalg.cholesky(full))
        whitened = torch.linalg.solve_triangular(self._factor[1], phi.double().T, upper=False)
        return whitened.square().sum(dim=0).float()


class FeatureNorm(nn.BatchNorm1d):
    """Batch norm without parameters, which takes a last batch of one image as well."""

    def __init__(self, features: int) -> None:
        super().__init__(features, affine=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        own = self.training and len(features) > 1
        return nn.functional.batch_norm(
            features, self.running_mean, self.running_var, training=own, momentum=self.momentum, eps=self.eps
        )


def orthogonal_features(features: int, inputs: int) -> torch.Tensor:
    """(features, inputs): blocks of orthogonal rows whose norms are those of Gaussian rows (Yu et al. 2016, section 3)."""
    blocks = []
    for _ in range(-(-features // inputs)):
        orthogonal, triangular = torch.linalg.qr(torch.randn(inputs, inputs))
        signs = triangular.diagonal().sign()  # makes it uniform over all rotations (Mezzadri 2007)
        blocks.append(signs[:, None] * orthogonal.T)
    norms = torch.randn(features, inputs).norm(dim=1, keepdim=True)
    return torch.cat(blocks)[:features] * norms
