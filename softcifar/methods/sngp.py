"""SNGP's last layer, a Gaussian process by random features with a Laplace posterior (Liu et al. 2020)."""

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import nn

from softcifar.methods.method import UncertaintyMethod
from softcifar.metrics.likelihood import negative_log_likelihood
from softcifar.metrics.predictive import predictive
from softcifar.params.ranges import NonNegative, Positive, PositiveInt

# |phi| is 1 where a network's features are several times longer: without a gain, a learning rate that suits the network moves
# this layer too slowly by its square.
GAIN = 8.0
LOWEST, HIGHEST = 1e-3, 1e5  # between which the mean field's lambda is fitted


class SNGP(UncertaintyMethod):
    """Spectral-normalised neural Gaussian process; the spectral norm is an option of the network.

    features: random features D. length_scale: of the kernel, in units of the spread of the network's features. ridge: the
    prior's precision. likelihood: weight of an image in the precision, 'gaussian' 1 (as the reference implementation) or
    'softmax' p_max (1 - p_max) (the paper's Laplace approximation, eq. 9, with one precision for all classes). mean_field:
    lambda of the mean-field prediction, logits / sqrt(1 + lambda variance) (Lu et al. 2020); 0 predicts by the mean, pi/8 is
    the paper's, 'fitted' the one with the lowest validation NLL. Scores: `variance`, phi^T Sigma phi.
    """

    title = "SNGP"

    def __init__(
        self,
        *,
        features: PositiveInt = 1024,
        length_scale: Positive = 1.0,
        ridge: Positive = 1.0,
        likelihood: Literal["gaussian", "softmax"] = "gaussian",
        mean_field: NonNegative | Literal["fitted"] = math.pi / 8,
    ) -> None:
        self.features, self.length_scale, self.ridge = features, length_scale, ridge
        self.likelihood, self.mean_field = likelihood, mean_field
        self.fits_on_validation = mean_field == "fitted"

    def head(self, features: int, num_classes: int) -> nn.Module:
        gp = RandomFeatureGP(features, num_classes, self.features, self.length_scale, self.ridge, self.likelihood)
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
        gp = classifier.network.head
        gp.fit_precision(classifier.features(pixels) for pixels in train)
        if self.mean_field != "fitted":
            return {}
        phi = torch.cat([gp.phi(classifier.features(pixels)) for pixels in validation])
        logits, variance = gp.mean(phi).cpu().numpy(), gp.variance(phi).cpu().numpy()
        gp.mean_field.fill_(fit_mean_field(logits, variance, validation_labels))
        return {"mean_field": gp.mean_field.item()}

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        gp = classifier.network.head
        phi = gp.phi(classifier.features(pixels))
        return (gp.mean(phi) / (1 + gp.mean_field * gp.variance(phi)).sqrt()[:, None])[None]

    def scores(self, classifier: nn.Module, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        gp = classifier.network.head
        return {"variance": gp.variance(gp.phi(classifier.features(pixels)))}


class RandomFeatureGP(nn.Module):
    """logits = beta phi(h), phi(h) = sqrt(2/D) cos(W h + b), with the posterior precision of beta, the same for all classes.

    h: the network's features, standardised by batch norm without parameters and divided by length_scale * sqrt(inputs).
    W, b: fixed; orthogonal random features (Yu et al. 2016). `precision` is 0 until it is fitted. mean_field: see SNGP.
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
        self.register_buffer("mean_field", torch.zeros(()))
        self._factor: tuple[int, torch.Tensor] | None = None  # of the precision, with the version that it belongs to

    def phi(self, features: torch.Tensor) -> torch.Tensor:
        """(B, D) float32, whatever autocast says."""
        with torch.autocast(features.device.type, enabled=False):
            angles = nn.functional.linear(self.norm(features.float()), self.weight, self.phase)
            return math.sqrt(2 / len(self.phase)) * angles.cos()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        phi = self.phi(features)
        with torch.autocast(features.device.type, enabled=False):
            return self.mean(phi)

    def mean(self, phi: torch.Tensor) -> torch.Tensor:
        """Logits (B, K) at the posterior mean."""
        return GAIN * self.weights(phi)

    @torch.no_grad()
    def fit_precision(self, batches: Iterable[torch.Tensor]) -> None:
        """Set the precision to sum_i w_i phi_i phi_i^T over the features (B, inputs) of all training images, in batches."""
        total = self.precision.double().zero_()
        for features in batches:
            phi = self.phi(features)
            if self.likelihood == "softmax":
                top = self.mean(phi).softmax(dim=1).amax(dim=1)
                phi = phi * (top * (1 - top)).sqrt()[:, None]
            total += phi.T @ phi
        self.precision.copy_(total)

    def variance(self, phi: torch.Tensor) -> torch.Tensor:
        """phi^T (ridge I + precision)^-1 phi, (B,) float32, computed in float64."""
        version = self.precision._version
        if self._factor is None or self._factor[0] != version or self._factor[1].device != phi.device:
            with torch.inference_mode(False), torch.no_grad():  # kept for later, when gradients may be wanted
                full = self.precision.double() + self.ridge * torch.eye(len(self.phase), device=phi.device)
                self._factor = (version, torch.linalg.cholesky(full))
        whitened = torch.linalg.solve_triangular(self._factor[1], phi.double().T, upper=False)
        return whitened.square().sum(dim=0).float()


def fit_mean_field(logits: np.ndarray, variance: np.ndarray, labels: np.ndarray) -> float:
    """lambda in [1e-3, 1e5] that minimises the NLL of softmax(logits / sqrt(1 + lambda variance)), or 0 where none is better.

    logits (N, K), variance (N,), labels (N,) of validation images. Brent's bounded search on log lambda.
    """
    from scipy.optimize import minimize_scalar  # takes half a second to import

    def nll(mean_field: float) -> float:
        scaled = logits / np.sqrt(1 + mean_field * variance.astype(np.float64))[:, None]
        return negative_log_likelihood(predictive(scaled[None]), labels)

    bounds = (math.log(LOWEST), math.log(HIGHEST))
    best = minimize_scalar(lambda log: nll(math.exp(log)), bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(best.x) if best.fun < nll(0.0) else 0.0


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
