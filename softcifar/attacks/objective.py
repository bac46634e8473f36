"""What attacks share: the predictor that they query, the losses that they raise, the range of their radii."""

import functools
from collections.abc import Callable, Sequence

import torch

from softcifar.errors import UserError

# images (B, C, H, W) in [0, 1], normalisation inside -> logits (S, B, K), S samples of a stochastic network
Predictor = Callable[[torch.Tensor], torch.Tensor]


def per_radius(attack: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor | list[torch.Tensor]]:
    """Let an attack at one radius take a list of radii too: it runs at one after the other and gives one tensor per radius."""

    @functools.wraps(attack)
    def at_each(
        predict: Predictor, images: torch.Tensor, labels: torch.Tensor, eps: float | Sequence[float], **options: object
    ) -> torch.Tensor | list[torch.Tensor]:
        if isinstance(eps, Sequence):
            return [attack(predict, images, labels, radius, **options) for radius in eps]
        return attack(predict, images, labels, eps, **options)

    return at_each


def check_radius(*eps: float) -> None:
    """UserError for a radius that is no share of the pixel range."""
    if not all(0 <= radius <= 1 for radius in eps):
        raise UserError(f"eps: found {list(eps)}; allowed: 0 to 1 (shares of the pixel range)")


def input_gradient(predict: Predictor, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Gradient by the pixels of every image's cross-entropy, averaged over the S samples of a stochastic network.

    The average is the expectation over transformation of Athalye et al. 2018: a single sample's gradient says little.
    images (B, C, H, W); labels (B,) integers; returns a tensor like `images`.
    """
    moved = images.detach().clone().requires_grad_()
    logits = predict(moved)
    loss = -torch.log_softmax(logits.float(), dim=-1)[:, torch.arange(len(labels)), labels].mean(dim=0).sum()
    return torch.autograd.grad(loss, moved)[0]


@torch.no_grad()
def margin_loss(predict: Predictor, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """max_{k != y} z_k - z_y, averaged over the S samples: (B,) float32, positive where the label is not predicted.

    Unlike the cross-entropy it stays informative where the softmax has rounded to 0 and 1.
    """
    logits = predict(images).float()
    wanted = labels.expand(len(logits), -1)[..., None]
    own = logits.gather(-1, wanted)[..., 0]
    return (logits.scatter(-1, wanted, -torch.inf).amax(dim=-1) - own).mean(dim=0)
