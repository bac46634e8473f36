"""Lookahead (Zhang et al. 2019): slow weights that follow the optimizer's."""

import torch
from torch import nn

from softcifar.training.adam import Adam
from softcifar.training.sgd import SGD

SLOW, STEPS = "slow/", "lookahead_steps"  # in a state's tensors


class Lookahead:
    """An optimizer with slow weights: every `every` steps they go a part of the way to its weights, which then start from them.

    slow <- d slow + (1 - d) weights; weights <- slow. d grows over the training, decay^every (step / total)^3, so that the slow
    weights end as an average over many steps (the schedule of airbench; the paper's d is constant). After the last of `total`
    steps the weights are the slow ones. Running statistics of batch norm are averaged likewise.
    """

    def __init__(self, optimizer: SGD | Adam, network: nn.Module, *, every: int, decay: float, total: int) -> None:
        self.optimizer, self.every, self.decay, self.total = optimizer, every, decay, total
        self.fast = dict(network.named_parameters()) | _statistics(network)
        self.slow = {name: tensor.detach().clone() for name, tensor in self.fast.items()}
        self.steps = 0

    def zero_grad(self) -> None:
        self.optimizer.zero_grad()

    @torch.no_grad()
    def step(self, lr: float) -> None:
        self.optimizer.step(lr)
        self.steps += 1
        fast, slow = list(self.fast.values()), list(self.slow.values())
        if self.steps % self.every == 0:
            kept = self.decay**self.every * (self.steps / self.total) ** 3
            torch._foreach_lerp_(slow, fast, 1 - kept)
        if self.steps % self.every == 0 or self.steps == self.total:
            torch._foreach_copy_(fast, slow)

    def tensors(self) -> dict[str, torch.Tensor]:
        """What the next step needs besides the weights: the optimizer's, 'slow/<name>' and the steps taken."""
        slow = {SLOW + name: tensor for name, tensor in self.slow.items()}
        return self.optimizer.tensors() | slow | {STEPS: torch.tensor(self.steps)} if self.steps else {}

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from what `tensors` gave; nothing happens where it is empty."""
        if not tensors:
            return
        self.steps = int(tensors[STEPS])
        for name, slow in self.slow.items():
            slow.copy_(tensors[SLOW + name])
        self.optimizer.load({name: each for name, each in tensors.items() if name != STEPS and not name.startswith(SLOW)})


def _statistics(network: nn.Module) -> dict[str, torch.Tensor]:
    """Running mean and variance of every batch norm, by their name in the network's state."""
    return {
        f"{name}.{which}": getattr(module, which)
        for name, module in network.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None
        for which in ("running_mean", "running_var")
    }
