"""The shortcut without parameters."""

import torch
import torch.nn.functional as F
from torch import nn


class PoolAndPad(nn.Module):
    """Average pooling over `stride` x `stride` pixels, then `extra` zero channels at the end (He et al. 2016, option A, which
    takes every stride-th pixel instead of the average)."""

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        pooled = F.avg_pool2d(activations, self.stride, ceil_mode=True) if self.stride > 1 else activations
        return F.pad(pooled, (0, 0, 0, 0, 0, self.extra))
