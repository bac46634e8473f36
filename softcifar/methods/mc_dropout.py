"""Monte Carlo dropout (Gal & Ghahramani 2016): dropout stays on, several passes are averaged."""

import torch
from torch import nn

from softcifar.errors import UserError
from softcifar.methods.method import UncertaintyMethod
from softcifar.models.dropout import Dropout
from softcifar.params.ranges import PositiveInt


class MCDropout(UncertaintyMethod):
    """`samples` stochastic passes; batch norm uses its running statistics.

    Dropout masks come from torch's global generator. `predict` raises UserError for a network without dropout.
    """

    title = "MC dropout"

    def __init__(self, *, samples: PositiveInt = 10) -> None:
        self.samples = self.passes = samples

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        layers = [module for module in classifier.modules() if isinstance(module, Dropout) and module.p > 0]
        if not layers:
            raise UserError("method: found mc_dropout with a network without dropout; give the network a dropout above 0")
        modes = [layer.training for layer in layers]
        try:
            for layer in layers:
                layer.train()
            return torch.stack([classifier(pixels) for _ in range(self.samples)])
        finally:
            for layer, mode in zip(layers, modes, strict=True):
                layer.train(mode)
