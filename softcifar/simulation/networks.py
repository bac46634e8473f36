"""Many small fully connected networks as one: every layer's weights are stacked, and one batched product serves all of them.

A network of the stack has the architecture and the initial distribution of softcifar.models.mlp. Nothing in here mixes the
networks, so that none depends on what stands beside it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch

TILE = 2048  # points evaluated at once: a network's activations then stay in the processor's cache


@dataclass
class Stack:
    """M networks of L layers: weights L tensors (M, inputs, outputs), biases L tensors (M, 1, outputs), float32."""

    weights: list[torch.Tensor]
    biases: list[torch.Tensor]

    def __len__(self) -> int:
        return len(self.weights[0])

    @property
    def tensors(self) -> list[torch.Tensor]:
        return [*self.weights, *self.biases]

    @classmethod
    def of(cls, tensors: Sequence[torch.Tensor]) -> "Stack":
        """The reverse of `tensors`."""
        half = len(tensors) // 2
        return cls(list(tensors[:half]), list(tensors[half:]))

    def pick(self, which: torch.Tensor) -> "Stack":
        """A new stack of the networks that `which` (indices, or one truth value per network) names."""
        return Stack.of([tensor[which] for tensor in self.tensors])


def initial(seeds: Sequence[int], sizes: Sequence[int]) -> Stack:
    """One untrained network per seed; sizes: units per layer, the inputs first and the classes last.

    Weights and biases are uniform in +-1/sqrt(inputs of the layer), torch's own for linear layers.
    """
    layers: list[list[torch.Tensor]] = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        pairs = list(itertools.pairwise(sizes))
        shapes = [*pairs, *((1, outputs) for _, outputs in pairs)]
        bounds = [inputs**-0.5 for inputs, _ in pairs] * 2
        drawn = zip(shapes, bounds, strict=True)
        layers.append([bound * (2 * torch.rand(shape, generator=generator) - 1) for shape, bound in drawn])
    return Stack.of([torch.stack(tensors) for tensors in zip(*layers, strict=True)])


def activations(stack: Stack, points: torch.Tensor) -> list[torch.Tensor]:
    """points (M, B, features) and what every layer makes of them; the last are the logits (M, B, K)."""
    layers = [points]
    for number, (weight, bias) in enumerate(zip(stack.weights, stack.biases, strict=True)):
        after = torch.bmm(layers[-1], weight).add_(bias)
        layers.append(after.relu_() if number < len(stack.weights) - 1 else after)
    return layers


def gradients(stack: Stack, slope: torch.Tensor, layers: list[torch.Tensor]) -> list[torch.Tensor]:
    """Of each network's loss with respect to its `tensors`; slope (M, B, K): of the losses with respect to the logits.

    layers: what `activations` returned. Written out, because for layers this small automatic differentiation costs as
    much as the products themselves.
    """
    weights, biases = [], []
    for number in reversed(range(len(stack.weights))):
        weights.append(torch.bmm(layers[number].transpose(1, 2), slope))
        biases.append(slope.sum(dim=1, keepdim=True))
        if number:
            slope = torch.bmm(slope, stack.weights[number].transpose(1, 2))
            slope *= layers[number] > 0
    return [*reversed(weights), *reversed(biases)]


def logits(stack: Stack, points: torch.Tensor) -> torch.Tensor:
    """(M, N, K) at points (N, features) that all networks share."""
    outputs = torch.empty(len(stack), len(points), stack.biases[-1].shape[2])
    for network in range(len(stack)):
        layers = [(weight[network], bias[network]) for weight, bias in zip(stack.weights, stack.biases, strict=True)]
        for start in range(0, len(points), TILE):
            values = points[start : start + TILE]
            for number, (weight, bias) in enumerate(layers):
                values = torch.addmm(bias, values, weight)
                values = values.relu_() if number < len(layers) - 1 else values
            outputs[network, start : start + TILE] = values
    return outputs
