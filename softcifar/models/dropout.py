"""Dropout with cheap masks."""

import torch
from torch import nn


class Dropout(nn.Module):
    """Zero each activation with probability p while training, scale the others by 1 / (1 - p) (Srivastava et al. 2014).

    Equal to torch.nn.Dropout in distribution, p rounded to 1/65536. On a CPU the random numbers are most of the cost of
    that one: it draws 32 bits for every activation, on one thread; here one draw of 64 bits serves four. Draws come from
    torch's global generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return activations
        count = activations.numel()
        bits = torch.empty(-(-count // 4), dtype=torch.int64, device=activations.device).random_(-(2**63), None)
        # In the memory order of channels-last activations, so that mask and activations are read side by side.
        shape = [activations.shape[0], *activations.shape[2:], activations.shape[1]]
        sixteen = bits.view(torch.int16)[:count].view(shape).movedim(-1, 1)
        threshold = round(self.p * 65536) - 32768
        return torch.where(sixteen >= threshold, activations * (1 / (1 - self.p)), 0.0)

    def extra_repr(self) -> str:
        return f"p={self.p}"
