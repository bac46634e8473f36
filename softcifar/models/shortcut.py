"""The shortcut without parameters."""

import torch
import torch.nn.functional as F
from torch import nn


class PoolAndPad(nn.Module):
    """Average pooling over `stride` x `stride` pixels, then `extra` zero channels at the end (He et al. 2016, option A, which
    takes every stride-th pixel instead of the average). Of an image whose sides are no multiple of the stride it takes every
    stride-th pixel too, as the code of Mukhoti et al. 2023 does: 7 pixels become 4."""

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        fits = all(side % self.stride == 0 for side in activations.shape[2:])
        pooled = F.avg_pool2d(activations, self.stride if fits else 1, self.stride)
        return F.pad(pooled, (0, 0, 0, 0, 0, self.extra))
