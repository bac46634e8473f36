"""Deterministic uncertainty quantification: kernels around class centroids (van Amersfoort et al. 2020)."""

from collections.abc import Callable

import torch
from torch import nn

from softcifar.methods.method import UncertaintyMethod
from softcifar.params.ranges import NonNegative, OpenFraction, Positive, PositiveInt


class DUQ(UncertaintyMethod):
    """k_c = exp(-mean((W_c f(x) - e_c)^2) / (2 s^2)) for every class; the prediction is k / sum(k).

    embedding: size of W_c f(x). length_scale: s. momentum: of the moving average that makes the centroids e_c; soft targets
    count as fractions of an image. gradient_penalty: lambda of (||grad_x sum_c k_c|| - 1)^2, x the standardised image.
    The loss is the binary cross-entropy of k against the targets, summed over classes (the paper's eq. 3), whatever the
    student's own loss is. Scores: `kernel`, 1 - max_c k_c.
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
        entropy = -(targets * log_kernels + (1 - targets) * log_others).sum(dim=1)
        if not self.gradient_penalty:
            return entropy
        (slope,) = torch.autograd.grad(log_kernels.exp().sum(), pixels, create_graph=True)
        slope = slope * classifier.std  # by the standardised image, as in the paper
        norms = slope.flatten(1).norm(dim=1)
        return entropy + self.gradient_penalty * (norms - 1).square()

    def end_step(self, classifier: nn.Module, targets: torch.Tensor) -> None:
        classifier.network.head.move(targets, self.momentum)

    def scores(self, classifier: nn.Module, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"kernel": -torch.expm1(classifier(pixels).float().amax(dim=1))}


class Kernels(nn.Module):
    """Features (B, D) to log kernels (B, K), float32: logits whose softmax is k / sum(k)."""

    def __init__(self, inputs: int, num_classes: int, embedding: int, length_scale: float) -> None:
        super().__init__()
        self.length_scale = length_scale
        self.weight = nn.Parameter(torch.empty(num_classes, embedding, inputs))
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")
        self.register_buffer("count", torch.full((num_classes,), 12.0))  # as if each centroid had seen so many images
        self.register_buffer("total", 12.0 * 0.05 * torch.randn(num_classes, embedding))
        self._seen: torch.Tensor | None = None  # the last training batch's embeddings

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        with torch.autocast(features.device.type, enabled=False):
            embedded = torch.einsum("ked,bd->bke", self.weight, features.float())
            if self.training:
                self._seen = embedded.detach()
            centroids = self.total / self.count[:, None]
            return -(embedded - centroids).square().mean(dim=2) / (2 * self.length_scale**2)

    @torch.no_grad()
    def move(self, targets: torch.Tensor, momentum: float) -> None:
        """Move the centroids towards the last training batch's embeddings; targets (B, K) probabilities."""
        targets = targets.float()
        self.count.mul_(momentum).add_(targets.sum(dim=0), alpha=1 - momentum)
        sums = torch.einsum("bk,bke->ke", targets, self._seen)
        self.total.mul_(momentum).add_(sums, alpha=1 - momentum)
