"""Stochastic gradient descent with momentum, for all parameters at once."""

import torch
from torch import nn


class SGD:
    """The update of torch.optim.SGD (no dampening, weight decay on every parameter), equal to it bit for bit.

    decoupled: the weight decay is no part of the gradient, hence of the momentum: a step multiplies every weight by
    1 - lr weight_decay, as torch.optim.AdamW does (Loshchilov & Hutter 2019, whose lambda is lr weight_decay). lr_factors: of
    every parameter, in the order of network.parameters(), by which its lr differs; None: 1 for all. Weight decay shrinks all
    weights alike whatever their factor: in the gradient it is divided by it.
    Constructing torch's imports torch's compiler, about 3 s in every process (measured: torch 2.15, 2 cores), as long as
    a short run takes.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        momentum: float,
        nesterov: bool,
        weight_decay: float,
        decoupled: bool = False,
        lr_factors: list[float] | None = None,
    ) -> None:
        self.names = [name for name, _ in network.named_parameters()]
        self.parameters = list(network.parameters())
        self.momentum, self.nesterov, self.weight_decay, self.decoupled = momentum, nesterov, weight_decay, decoupled
        self.lr_factors = lr_factors if lr_factors and set(lr_factors) != {1.0} else None
        self.momentum_buffers: dict[str, torch.Tensor] = {}

    def tensors(self) -> dict[str, torch.Tensor]:
        """What the next step needs besides the weights: {parameter name: momentum}, empty before the first step."""
        return self.momentum_buffers

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        self.momentum_buffers = {name: tensor.to(self.parameters[0].device) for name, tensor in tensors.items()}

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, lr: float) -> None:
        gradients = [parameter.grad for parameter in self.parameters]
        if self.weight_decay and not self.decoupled:
            gradients = decayed(gradients, self.parameters, self.weight_decay, self.lr_factors)
        if self.momentum:
            if self.momentum_buffers:
                buffers = [self.momentum_buffers[name] for name in self.names]
                torch._foreach_mul_(buffers, self.momentum)
                torch._foreach_add_(buffers, gradients)
            else:
                buffers = [gradient.clone() for gradient in gradients]
                self.momentum_buffers = dict(zip(self.names, buffers, strict=True))
            gradients = torch._foreach_add(gradients, buffers, alpha=self.momentum) if self.nesterov else buffers
        if self.weight_decay and self.decoupled:
            torch._foreach_mul_(self.parameters, 1 - lr * self.weight_decay)
        if self.lr_factors:
            gradients = torch._foreach_mul(gradients, self.lr_factors)
        torch._foreach_add_(self.parameters, gradients, alpha=-lr)


def decayed(
    gradients: list[torch.Tensor], parameters: list[nn.Parameter], weight_decay: float, lr_factors: list[float] | None
) -> list[torch.Tensor]:
    """Gradients with the weight decay in them: gradient + weight_decay / factor * weight."""
    if lr_factors is None:
        return torch._foreach_add(gradients, parameters, alpha=weight_decay)
    return torch._foreach_add(gradients, torch._foreach_mul(parameters, [weight_decay / factor for factor in lr_factors]))
