"""Deterministic uncertainty quantification: kernels around class centroids (van Amersfoort et al. 2020)."""

import math
from collections.abc import Callable

import torch
from torch import nn

from softcifar.methods.method import UncertaintyMethod
from softcifar.params.ranges import NonNegative, OpenFraction, Positive, PositiveInt


class DUQ(UncertaintyMethod):
    """k_c = exp(-mean((W_c f(x) - e_c)^2) / (2 s^2)) for every class; the prediction is k / sum(k).

    embedding: size of W_c f(x). length_scale: s. momentum: of the moving average that makes the centroids e_c; soft targets
    count as fractions of an image. gradient_penalty: lambda of (||grad_x sum_c k_c|| - 1)^2, x the standardised image.
    The loss is the binary cross-entropy of k against the targets, its mean over classes, whatever the student's own loss is.
    The authors' code takes that mean; the paper's eq. 3 is the sum, beside which the same lambda would weigh K times less.
    After every step the batch passes once more, in evaluation mode, and moves the centroids, as in the authors' code.
    Scores: `kernel`, -max_c log k_c: 1 - max_c k_c would be 1 for whatever is farther than float32 can tell.
    """

    title = "DUQ"
    input_gradient = True

    def __init__(
        self,
        *,
        embedding: PositiveInt = 256,
        length_scale: Positive = 0.1,
        momentum: OpenFraction = 0.999,
        gradient_penalty: NonNegative = 0.5,
    ) -> None:
        self.embedding, self.length_scale = embedding, length_scale
        self.momentum, self.gradient_penalty = momentum, gradient_penalty

    def head(self, features: int, num_classes: int) -> nn.Module:
        return Kernels(features, num_classes, self.embedding, self.length_scale)

    def loss(
        self, classifier: nn.Module, pixels: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor, base: Callable
    ) -> torch.Tensor:
        log_kernels = logits.float()
        log_others = torch.log(-torch.expm1(log_kernels.clamp(max=-1e-7)))  # log(1 - k), finite where k rounds to 1
        entropy = -(targets * log_kernels + (1 - targets) * log_others).mean(dim=1)
        if not self.gradient_penalty:
            return entropy
        (slope,) = torch.autograd.grad(log_kernels.exp().sum(), pixels, create_graph=True)
        slope = slope * classifier.std  # by the standardised image, as in the paper
        norms = slope.flatten(1).norm(dim=1)
        return entropy + self.gradient_penalty * (norms - 1).square()

    def end_step(self, classifier: nn.Module, pixels: torch.Tensor, targets: torch.Tensor) -> None:
        classifier.eval()
        classifier.network.head.move(classifier.features(pixels), targets, self.momentum)
        classifier.train()

    def scores(self, classifier: nn.Module, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"kernel": -classifier(pixels).float().amax(dim=1)}


class Kernels(nn.Module):
    """Features (B, D) to log kernels (B, K), float32: logits whose softmax is k / sum(k)."""

    def __init__(self, inputs: int, num_classes: int, embedding: int, length_scale: float) -> None:
        super().__init__()
        self.length_scale = length_scale
        self.weight = nn.Parameter(torch.empty(num_classes, embedding, inputs))
        # The scale of the authors' code, whose Kaiming initialisation of (embedding, K, inputs) takes K * inputs as fan-in.
        nn.init.normal_(self.weight, std=math.sqrt(2 / (num_classes * inputs)))
        self.register_buffer("count", torch.full((num_classes,), 13.0))  # as if each centroid had seen so many images
        self.register_buffer("total", 13.0 * 0.05 * torch.randn(num_classes, embedding))

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(B, K, embedding) float32, whatever autocast says."""
        with torch.autocast(features.device.type, enabled=False):
            return torch.einsum("ked,bd->bke", self.weight, features.float())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        centroids = self.total / self.count[:, None]
        return -(self.embed(features) - centroids).square().mean(dim=2) / (2 * self.length_scale**2)

    @torch.no_grad()
    def move(self, features: torch.Tensor, targets: torch.Tensor, momentum: float) -> None:
        """Move the centroids towards the embeddings of a training batch; targets (B, K) probabilities."""
        targets = targets.float()
        self.count.mul_(momentum).add_(targets.sum(dim=0), alpha=1 - momentum)
        sums = torch.einsum("bk,bke->ke", targets, self.embed(features))
        self.total.mul_(momentum).add_(sums, alpha=1 - momentum)
