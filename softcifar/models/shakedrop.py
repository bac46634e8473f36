"""ShakeDrop: residual branches scaled at random while training (Yamada et al. 2019)."""

import torch
from torch import nn


class ShakeDrop(nn.Module):
    """The residual branch F times b + a - b a forwards and b + c - b c backwards; in evaluation F (1 - drop).

    b is 0 with probability `drop`, else 1: one draw for a whole batch. a ~ U[-1, 1] and c ~ U[0, 1]: one draw per image
    (the ranges that the paper finds best; of its levels, the one of the PyTorch code that published studies use). So 1 - drop
    is the mean of the forward factor. Draws come from torch's global generator, on the activations' device.
    """

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.drop = drop

    def forward(self, residual: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return (1 - self.drop) * residual
        shape = (len(residual), 1, 1, 1)
        keep = torch.rand((), device=residual.device) >= self.drop
        forwards, backwards = torch.rand((2, *shape), device=residual.device)
        forwards = torch.where(keep, 1.0, 2 * forwards - 1).to(residual.dtype)
        backwards = torch.where(keep, 1.0, backwards).to(residual.dtype)
        value = residual.detach()
        return forwards * value + backwards * (residual - value)  # the second term is 0; the gradient is its alone

    def extra_repr(self) -> str:
        return f"drop={self.drop}"
