"""Laplace approximation of the last layer, in closed form (Kristiadi et al. 2020; Daxberger et al. 2021, "Laplace Redux")."""

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import nn

from softcifar.errors import UserError
from softcifar.methods.kept import Kept
from softcifar.methods.method import UncertaintyMethod
from softcifar.params.ranges import Positive, PositiveInt

SMALL, LARGEST = 2048, 5000  # weights of a last layer: up to which 'auto' takes the full curvature, and 'full' can
LOWEST, HIGHEST = 1e-6, 1e6  # between which the prior precision is chosen


class LastLayerLaplace(UncertaintyMethod):
    """The plain network, whose last layer's weights get a Gaussian posterior after training.

    Its precision is H + prior I: H the generalised Gauss-Newton matrix of the softmax cross-entropy, summed over the training
    images as they are, which for a linear layer is the Hessian; whatever loss the student had. hessian: 'full', 'kronecker'
    (the sum of phi phi^T times the mean of diag(p) - p p^T; phi the features, with a 1 where the layer has a bias), or 'auto',
    full for a last layer of at most 2,048 weights. prior: the prior's precision, for the weights of the map from features to
    logits; 'marginal_likelihood' the one under which the training images are likeliest.
    samples: so many logits drawn from their posterior; null predicts by logits / sqrt(1 + pi/8 variance) of each class (the
    multi-class probit approximation). Variance that all logits share counts there, although
    softmax does not see it. No score of its own: novelty is judged by the entropy of the prediction, and
    with `samples` by their mutual information. Variances of logits are none: they grow with the length of the features.
    """

    title = "Last-layer Laplace"
    keeps = "the covariance of its last layer's weights"  # stored beside the network's own weights, for the report

    def __init__(
        self,
        *,
        hessian: Literal["auto", "full", "kronecker"] = "auto",
        prior: Positive | Literal["marginal_likelihood"] = "marginal_likelihood",
        samples: PositiveInt | None = None,
    ) -> None:
        self.hessian, self.prior, self.samples = hessian, prior, samples

    def head(self, features: int, num_classes: int) -> nn.Module:
        weights = features * num_classes
        if self.hessian == "full" and weights > LARGEST:
            raise UserError(
                f"laplace: found hessian full with a last layer of {weights} weights; allowed: at most {LARGEST}, or "
                "hessian: kronecker"
            )
        full = self.hessian == "full" or (self.hessian == "auto" and weights <= SMALL)
        return FullPosterior() if full else KroneckerPosterior()

    def finish(
        self,
        classifier: nn.Module,
        train: Iterable[torch.Tensor],
        validation: Iterable[torch.Tensor],
        validation_labels: np.ndarray,
    ) -> dict[str, float]:
        head = classifier.network.head
        prior = None if self.prior == "marginal_likelihood" else self.prior
        return {"prior_precision": head.kept.fit(head, (classifier.features(pixels) for pixels in train), prior)}

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        features, head = classifier.features(pixels), classifier.network.head
        mean, posterior = head(features), head.kept
        if self.samples is None:
            return (mean / (1 + math.pi / 8 * posterior.variance(head, features)).sqrt())[None].to(mean.dtype)
        root = torch.linalg.cholesky(posterior.covariance(head, features))
        noise = torch.randn(self.samples, *mean.shape, 1, dtype=root.dtype, device=root.device)
        return (mean + (root @ noise).squeeze(-1)).to(mean.dtype)


class Posterior(Kept):
    """The posterior covariance of the weights of a linear last layer, float64; nothing before it is fitted."""

    def joins(self, head: nn.Module) -> None:
        if not isinstance(head, nn.Linear):
            raise UserError(f"laplace: found a network whose last layer is a {type(head).__name__}; allowed: a linear layer")

    def fit(self, head: nn.Linear, batches: Iterable[torch.Tensor], prior: float | None) -> float:
        """From the features (B, D) of all training images, in batches; the prior precision, the likeliest one for None."""
        raise NotImplementedError

    def variance(self, head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        """Of every logit: (B, K) float64."""
        raise NotImplementedError

    def covariance(self, head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        """Of the logits: (B, K, K) float64."""
        raise NotImplementedError


class FullPosterior(Posterior):
    """weights: (K D, K D), the weights of one class after those of another, the bias behind each class's weights."""

    def __init__(self) -> None:
        super().__init__(weights=torch.zeros(0, 0, dtype=torch.float64))

    def fit(self, head: nn.Linear, batches: Iterable[torch.Tensor], prior: float | None) -> float:
        hessian = 0
        for features in batches:
            phi, curvature = inputs(head, features), curvatures(head, features)
            classes = range(curvature.shape[1])
            # of two classes at a time: sum_b curvature_b phi_b phi_b^T
            rows = [torch.cat([(phi * curvature[:, k, other, None]).T @ phi for other in classes], dim=1) for k in classes]
            hessian = hessian + torch.cat(rows)
        values, vectors = torch.linalg.eigh(hessian)
        values = values.clamp(min=0)
        prior = likeliest_prior(head, values) if prior is None else prior
        self.weights = (vectors / (values + prior)) @ vectors.T
        return prior

    def variance(self, head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        phi = inputs(head, features)
        classes, size = head.out_features, phi.shape[1]
        own = self.weights.view(classes, size, classes, size).diagonal(dim1=0, dim2=2)  # (D, D, K)
        return torch.stack([((phi @ each) * phi).sum(dim=1) for each in own.unbind(dim=2)], dim=1).clamp(min=0)

    def covariance(self, head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        phi = inputs(head, features)
        weights = self.weights.view(head.out_features, phi.shape[1], head.out_features, phi.shape[1])
        return torch.einsum("bkle,be->bkl", torch.einsum("bd,kdle->bkle", phi, weights), phi)


class KroneckerPosterior(Posterior):
    """The precision is A x G + prior: by eigenvectors of A (D, D), of G (K, K), and 1 / (their eigenvalues + prior), (D, K)."""

    def __init__(self) -> None:
        super().__init__(**{name: torch.zeros(0, 0, dtype=torch.float64) for name in ("into", "out", "inverse")})

    def fit(self, head: nn.Linear, batches: Iterable[torch.Tensor], prior: float | None) -> float:
        seen = of_inputs = of_logits = 0
        for features in batches:
            phi = inputs(head, features)
            of_inputs, of_logits = of_inputs + phi.T @ phi, of_logits + curvatures(head, features).sum(dim=0)
            seen += len(phi)
        (a, self.into), (g, self.out) = torch.linalg.eigh(of_inputs), torch.linalg.eigh(of_logits / seen)
        values = a.clamp(min=0)[:, None] * g.clamp(min=0)
        prior = likeliest_prior(head, values.flatten()) if prior is None else prior
        self.inverse = 1 / (values + prior)
        return prior

    def variance(self, head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        return self._along(head, features) @ self.out.square().T

    def covariance(self, head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        return (self.out * self._along(head, features)[:, None]) @ self.out.T

    def _along(self, head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
        """Variances of the logits along the eigenvectors of G: (B, K)."""
        return (inputs(head, features) @ self.into).square() @ self.inverse


def inputs(head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
    """phi (B, D) float64: the features, and a 1 where the layer has a bias."""
    return torch.cat([features.double(), features.new_ones(len(features), head.bias is not None, dtype=torch.float64)], dim=1)


def curvatures(head: nn.Linear, features: torch.Tensor) -> torch.Tensor:
    """diag(p) - p p^T (B, K, K) float64, the second derivative of the cross-entropy by the logits."""
    probs = head(features).double().softmax(dim=1)
    return torch.diag_embed(probs) - probs[:, :, None] * probs[:, None]


def likeliest_prior(head: nn.Linear, curvature: torch.Tensor) -> float:
    """The prior precision with the highest marginal likelihood; curvature: the eigenvalues (P,) of H.

    log p(D | prior) = P/2 log prior - prior/2 |weights|^2 - 1/2 sum log(curvature + prior), and what does not depend on it.
    Brent's bounded search on log prior.
    """
    from scipy.optimize import minimize_scalar  # takes half a second to import

    origin = head(head.weight.new_zeros(1, head.in_features)).double()
    weights = head(torch.eye(head.in_features).to(head.weight)).double() - origin  # a layer may scale its logits
    length = float(weights.square().sum() + origin.square().sum())
    values = curvature.cpu().numpy()

    def unlikely(log: float) -> float:
        return math.exp(log) * length / 2 + np.log(values + math.exp(log)).sum() / 2 - len(values) * log / 2

    bounds = (math.log(LOWEST), math.log(HIGHEST))
    return math.exp(minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)
