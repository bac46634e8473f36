"""Soft augmentation (Liu et al., CVPR 2023): what is less visible has a less sure target and counts less."""

from typing import Annotated

import torch
from pydantic import AfterValidator

from softcifar.errors import UserError, choose, suggestion
from softcifar.params.options import require

# mode: (is the target softened, is the loss weighted)
MODES = {
    "target_and_weight": (True, True),  # what the paper describes
    "published": (True, True),  # what its code computes: every image has the mean weight of the batch
    "target": (True, False),
    "weight": (False, True),
    "hard": (False, False),  # the same images with their own targets, to see the effect of the images alone
}


def _known(mode: str) -> str:
    if mode not in MODES:
        raise UserError(f"found {mode!r}{suggestion(mode, MODES)}")
    return mode


Mode = Annotated[str, AfterValidator(_known)]


def confidence(visible: torch.Tensor, power: float, classes: int) -> torch.Tensor:
    """c(v) = 1 - (1 - 1/K) (1 - v)^k of the visible fraction v in [0, 1]: 1/K (nothing is left) to 1; any shape, K >= 2."""
    return 1 - (1 - 1 / classes) * (1 - visible) ** power


def discount(
    targets: torch.Tensor, weights: torch.Tensor | None, visible: torch.Tensor, *, k: float, mode: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Targets and weights of images of which the fraction `visible` (B,) is left.

    targets t (B, K) probabilities become c' t + (1 - c') / K with c' = 1 - (1 - v)^k, so that a hard label keeps c(v) on its
    class and (1 - c(v)) / (K - 1) on each other one (section 3 of the paper). weights (B,) or None (all 1) are multiplied by
    c(v). `mode` says which of the two is done (MODES); 'published' multiplies all weights by the batch's mean c(v), so that
    the mean loss is the code's mean(c) mean(KL). The paper's loss, w KL(t || p), is w CE(t, p) less w H(t), which no weight of
    the network changes: multiplying the recipe's cross-entropy by w gives the same gradients.
    """
    require(k > 0, "k", k, "above 0")
    soften, weigh = choose(MODES, mode, "mode")
    weights = targets.new_ones(len(targets)) if weights is None else weights
    classes = targets.shape[1]
    if weigh:
        sure = confidence(visible, k, classes).to(weights.dtype)
        weights = weights * (sure.mean() if mode == "published" else sure)
    if soften:
        kept = (1 - (1 - visible) ** k).to(targets.dtype)[:, None]
        targets = kept * targets + (1 - kept) / classes
    return targets, weights
