"""Monte Carlo dropout (Gal & Ghahramani 2016): dropout stays on, several passes are averaged."""

import torch
from torch import nn

from softcifar.errors import UserError
from softcifar.models.dropout import Dropout
from softcifar.ranges import PositiveInt


def mc_dropout(classifier: nn.Module, images: torch.Tensor, *, samples: PositiveInt = 10) -> torch.Tensor:
    """`samples` stochastic passes; batch norm uses its running statistics.

    images (B, C, H, W) in [0, 1]; returns logits (samples, B, K); the prediction is the mean of their softmax.
    Dropout masks come from torch's global generator. Raises UserError for a network without dropout.
    """
    layers = [module for module in classifier.modules() if isinstance(module, Dropout) and module.p > 0]
    if not layers:
        raise UserError("method: found mc_dropout with a network without dropout; give the network a dropout above 0")
    modes = [layer.training for layer in layers]
    try:
        for layer in layers:
            layer.train()
        return torch.stack([classifier(images) for _ in range(samples)])
    finally:
        for layer, mode in zip(layers, modes, strict=True):
            layer.train(mode)
