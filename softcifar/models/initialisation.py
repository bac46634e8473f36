"""Initial weights for networks of ReLUs."""

from typing import Literal

from torch import nn


def he_normal(network: nn.Module, *, mode: Literal["fan_in", "fan_out"] = "fan_out") -> None:
    """Every convolution's weight normal with variance 2 / fan, its bias 0 (He et al. 2015, equations 10 and 14).

    fan: kernel area times the convolution's outputs (fan_out) or inputs (fan_in); the one keeps the scale of gradients, the
    other that of activations. Draws from torch's global generator; other layers stay as they are.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
