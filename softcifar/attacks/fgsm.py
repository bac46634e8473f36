"""The fast gradient sign method (Goodfellow et al. 2015)."""

from collections.abc import Callable, Sequence

import torch

from softcifar.errors import UserError

# images (B, C, H, W) in [0, 1] -> logits (S, B, K)
Predictor = Callable[[torch.Tensor], torch.Tensor]


def fgsm(predict: Predictor, images: torch.Tensor, labels: torch.Tensor, eps: Sequence[float]) -> list[torch.Tensor]:
    """x + eps sign(grad_x of the cross-entropy), clipped to [0, 1], for each eps; one gradient serves them all.

    predict: images (B, C, H, W) in [0, 1], normalisation inside, to logits (S, B, K); the gradient is averaged over the S
    samples of a stochastic network (expectation over transformation, Athalye et al. 2018). labels (B,) integers.
    eps: Linf radii in [0, 1], as shares of the pixel range; 0 gives the images themselves. Returns one tensor like `images`
    per eps. A pixel whose gradient is exactly 0 stays.
    """
    if not all(0 <= radius <= 1 for radius in eps):
        raise UserError(f"eps: found {list(eps)}; allowed: 0 to 1 (shares of the pixel range)")
    moved = images.detach().clone().requires_grad_()
    logits = predict(moved)
    loss = -torch.log_softmax(logits.float(), dim=-1)[:, torch.arange(len(labels)), labels].mean(dim=0).sum()
    (gradient,) = torch.autograd.grad(loss, moved)
    return [(images + radius * gradient.sign()).clamp(0, 1) for radius in eps]
