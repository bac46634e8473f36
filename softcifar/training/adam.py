"""Adam (Kingma & Ba 2015, algorithm 1), for all parameters at once."""

import torch
from torch import nn

from softcifar.training.sgd import decayed

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """The update of torch.optim.Adam(foreach=True) with its default betas and epsilon, equal to it bit for bit.

    Weight decay is added to the gradient (an L2 penalty) or, `decoupled`, multiplies every weight by 1 - lr weight_decay
    (AdamW). lr_factors as for softcifar.training.sgd.SGD. Own code for the reason given there. Every parameter needs a
    gradient.
    """

    def __init__(
        self, network: nn.Module, *, weight_decay: float, decoupled: bool = False, lr_factors: list[float] | None = None
    ) -> None:
        self.names = [name for name, _ in network.named_parameters()]
        self.parameters = list(network.parameters())
        self.weight_decay, self.decoupled = weight_decay, decoupled
        self.lr_factors = lr_factors if lr_factors and set(lr_factors) != {1.0} else None
        self.steps = 0
        self.first = [torch.zeros_like(parameter) for parameter in self.parameters]  # running mean of the gradients
        self.second = [torch.zeros_like(parameter) for parameter in self.parameters]  # and of their squares

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, lr: float) -> None:
        self.steps += 1
        gradients = [parameter.grad for parameter in self.parameters]
        if self.weight_decay and self.decoupled:
            torch._foreach_mul_(self.parameters, 1 - lr * self.weight_decay)
        elif self.weight_decay:
            gradients = decayed(gradients, self.parameters, self.weight_decay, self.lr_factors)
        torch._foreach_lerp_(self.first, gradients, 1 - BETA1)
        torch._foreach_mul_(self.second, BETA2)
        torch._foreach_addcmul_(self.second, gradients, gradients, 1 - BETA2)
        # Both means start at 0; dividing by 1 - beta^t takes that bias away.
        scale = torch._foreach_sqrt(self.second)
        torch._foreach_div_(scale, (1 - BETA2**self.steps) ** 0.5)
        torch._foreach_add_(scale, EPSILON)
        if self.lr_factors:
            torch._foreach_div_(scale, self.lr_factors)
        torch._foreach_addcdiv_(self.parameters, self.first, scale, -lr / (1 - BETA1**self.steps))

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything a later step needs: 'first/<parameter>', 'second/<parameter>' and 'step' (int64); empty before a step."""
        if not self.steps:
            return {}
        first = {f"first/{name}": tensor for name, tensor in zip(self.names, self.first, strict=True)}
        second = {f"second/{name}": tensor for name, tensor in zip(self.names, self.second, strict=True)}
        return first | second | {"step": torch.tensor(self.steps)}

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from what `tensors` returned, on the parameters' device; nothing happens where it is empty."""
        if not tensors:
            return
        self.steps = int(tensors["step"])
        for name, first, second in zip(self.names, self.first, self.second, strict=True):
            first.copy_(tensors[f"first/{name}"])
            second.copy_(tensors[f"second/{name}"])
