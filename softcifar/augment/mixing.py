"""What MixUp and CutMix share: who is mixed with whom and in which shares, and what becomes of targets and weights."""

from typing import Literal

import torch

from softcifar.params.options import require
from softcifar.params.ranges import Fraction

MATCH_HUMAN = "match_human"
Share = Fraction | Literal["match_human"]  # of the images that are mixed; training puts a number for the word


def draw_pairs(
    batch: int, alpha: float, q: Share, generator: torch.Generator, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """A random partner for every image, int64 (B,), and the share lambda that the image itself keeps, float64 (B,) in [0, 1].

    lambda ~ Beta(alpha, alpha), drawn per image; 1 for the images, a share 1 - q of them, that are not mixed.
    q: 'match_human' has to be a number by now (softcifar.training.matching).
    """
    require(not isinstance(q, str), "q", q, "0 to 1 (training alone knows the votes that 'match_human' needs)")
    partner = torch.randperm(batch, generator=generator, device=device)
    first, second = _log_gamma(alpha, (2, batch), generator, device)
    share = (first - second).sigmoid()
    kept = torch.rand(batch, generator=generator, device=device) >= q
    return partner, torch.where(kept, 1.0, share)


def mix_targets(
    targets: torch.Tensor, weights: torch.Tensor | None, partner: torch.Tensor, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The target and the weight of each mixed image, so that its loss is the mixture of the two weighted losses.

    targets t (B, K) probabilities; weights w (B,) or None (all 1); partner (B,); share lambda (B,). With i's partner j,
    w = lambda w_i + (1 - lambda) w_j and t = (lambda w_i t_i + (1 - lambda) w_j t_j) / w: then w CE(t, p) is
    lambda w_i CE(t_i, p) + (1 - lambda) w_j CE(t_j, p). Equal weights give the plain mixture of the targets.
    """
    weights = targets.new_ones(len(targets)) if weights is None else weights
    own = share.to(targets.dtype) * weights
    other = (1 - share).to(targets.dtype) * weights[partner]
    mixed = own + other
    own_share = (own / mixed)[:, None]
    return own_share * targets + (1 - own_share) * targets[partner], mixed


def _log_gamma(alpha: float, shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """Logarithms of Gamma(alpha) draws, float64.

    Gamma(alpha) is Gamma(alpha + 1) U^(1 / alpha) with a uniform U (Marsaglia & Tsang 2000, section 6). For a small alpha most
    draws themselves are below the smallest float, and of two such draws neither would be the larger.
    """
    # torch's own sampler is the one that takes a generator and a tensor of shapes.
    larger = torch._standard_gamma(torch.full(shape, alpha + 1.0, dtype=torch.float64, device=device), generator=generator)
    uniform = 1 - torch.rand(shape, generator=generator, dtype=torch.float64, device=device)  # never 0
    return larger.log() + uniform.log() / alpha
