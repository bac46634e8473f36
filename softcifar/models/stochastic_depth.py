"""Stochastic depth: residual branches left out at random while training (Huang et al. 2016)."""

import torch
from torch import nn


class StochasticDepth(nn.Module):
    """A residual block whose branch is kept with probability `survival`; in evaluation it is scaled by that instead.

    block: has `residual(activations)` and `join(activations, residual)`. As published, one draw decides for a whole batch,
    and a branch left out is not computed, so that its batch norms do not learn from the batch either. Its parameters get
    gradients of 0: weight decay and momentum go on. Draws come from torch's global generator, on the CPU.
    """

    def __init__(self, block: nn.Module, *, survival: float) -> None:
        super().__init__()
        self.block = block
        self.survival = survival

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        if not self.training:
            residual = self.survival * self.block.residual(activations)
        elif torch.rand((), device="cpu").item() < self.survival:
            residual = self.block.residual(activations)
        else:
            residual = 0 * sum(parameter.sum() for parameter in self.block.parameters())
        return self.block.join(activations, residual)

    def extra_repr(self) -> str:
        return f"survival={self.survival}"
