"""What attacks share: the predictor that they query, the loss that they raise, the range of their radii, the random start."""

import functools
from collections.abc import Callable, Sequence

import torch

from softcifar.errors import UserError

# images (B, C, H, W) in [0, 1], normalisation inside -> logits (S, B, K), S samples of a stochastic network
Predictor = Callable[[torch.Tensor], torch.Tensor]
# logits (B, K), labels (B,) -> what an attack raises (B,), of one sample; takes no notice of a shift of the logits
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


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


def random_start(images: torch.Tensor, eps: float, generator: torch.Generator) -> torch.Tensor:
    """Images uniform in the Linf ball of radius eps around `images`, clipped to [0, 1]."""
    uniform = torch.rand(images.shape, generator=generator, device=images.device)
    return (images + eps * (2 * uniform - 1)).clamp(0, 1)


def log_odds(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss that attacks raise, log(1 - p_y) - log p_y: (B,), nats.

    logits (B, K), labels (B,) integers. It is the other classes' logsumexp less the label's logit, so it is finite and has a
    slope for any finite logits. Cross-entropy is log(1 + exp(log odds)): it rises with them, and its gradient is theirs
    times 1 - p_y, which leaves its direction alone but is 0 in float32 from a logit gap of 17 on.
    """
    wanted = labels[:, None]
    return logits.scatter(1, wanted, -torch.inf).logsumexp(dim=1) - logits.gather(1, wanted)[:, 0]


def over_samples(loss: Loss, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Every image's mean (B,) of its `loss` in each of the S samples: logits (S, B, K), labels (B,) integers.

    Not the loss of the mean probability, for there the least sure sample decides, the more the larger the logits are.
    """
    return torch.stack([loss(each, labels) for each in logits]).mean(dim=0)


def attacked_loss(predict: Predictor, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Every image's `log_odds` (B,), their mean over the S samples of a stochastic network."""
    return over_samples(log_odds, predict(images), labels)


def input_gradient(predict: Predictor, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Gradient of every image's `attacked_loss` by its pixels.

    It is averaged over samples (expectation over transformation, Athalye et al. 2018): a single one's gradient says little.
    images (B, C, H, W); labels (B,) integers; returns a tensor like `images`.
    """
    moved = images.detach().clone().requires_grad_()
    return torch.autograd.grad(attacked_loss(predict, moved, labels).sum(), moved)[0]
