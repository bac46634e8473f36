"""The least time that a training step could take here, from the measured peak rates of products and of copying.

Time of a step = sum over convolutions and linear layers of
    max(operations / peak, bytes / bandwidth) forward  +  the same backward,
plus (bytes of all the rest) / bandwidth. Counted, per image unless it says otherwise:

- Products: 2 operations per multiplication and addition of a direct convolution (no Winograd), once forward, once for the
  gradient of the weights, once for the gradient of the input, which the first layer does not need.
- Their bytes: forward, read input and weights, write output; backward, read the output's gradient (once for both products),
  the input and the weights, write the gradients of input (not of the first layer's) and weights. Weights once per batch.
- Between them, where a chain of batch norm, ReLU and addition is one pass over memory: batch norm reads its input forward (its
  statistics come free with the product's output), and backward reads the input again and writes its gradient; ReLU writes its
  output forward and reads its gradient backward; an identity shortcut is read once forward, and its gradient once backward.
- The optimizer: weights, gradients and momentum read, weights and momentum written, float32, per batch.
- Not counted: augmentation, biases, normalisation of the input, pooling, loss, gradients' zeroing, and any second pass.

An activation has 2 bytes an element in bfloat16 and 4 in float32, weights too where products read them. The peak is the best
rate of torch.mm over several sizes, the bandwidth that of a copy of arrays far beyond the caches, bytes read and written, both
with all cores. Where activations stay in a cache from one layer to the next they may move faster than that: for batches much
smaller than the caches this is a yardstick, not a bound.
"""

from dataclasses import dataclass

import torch
from torch import nn

from bench.timing import seconds

SIZES = (512, 1024, 2048)  # of the square matrices multiplied, on a CPU
LARGE = (4096, 8192)  # on a GPU
SMALL = (128,)  # in miniature: bfloat16 that a processor only emulates may be a hundred times slower than float32
COPIED = 2**28  # bytes of the array copied on a CPU: 256 MiB
REPEATED = 3
OPTIMIZER = 5 * 4  # bytes per parameter
BYTES = {"bfloat16": 2, "float32": 4}


@dataclass(frozen=True)
class Product:
    """A convolution or linear layer. Counts per image; weights per batch."""

    operations: int  # of the forward pass
    inputs: int  # elements
    outputs: int
    weights: int
    first: bool  # no gradient of its input is needed


@dataclass(frozen=True)
class Counts:
    products: list[Product]
    between: int  # elements read and written between the products per image, forward and backward
    parameters: int


def counts(network: nn.Module, image: torch.Tensor) -> Counts:
    """Of a network built from Conv2d, Linear, BatchNorm2d, ReLU and Identity modules, for one image (C, H, W)."""
    products: list[Product] = []
    between = 0

    def seen(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal between
        taken, given = inputs[0].numel(), output.numel()
        if isinstance(module, nn.Conv2d | nn.Linear):
            per_output = module.weight[0].numel()  # multiplications that make one element
            products.append(Product(2 * per_output * given, taken, given, module.weight.numel(), not products))
        elif isinstance(module, nn.BatchNorm2d):
            between += 3 * taken
        elif isinstance(module, nn.ReLU | nn.Identity):
            between += 2 * given

    hooks = [module.register_forward_hook(seen) for module in network.modules()]
    training = network.training
    with torch.inference_mode():
        network.eval()(image[None])
    network.train(training)
    for hook in hooks:
        hook.remove()
    return Counts(products, between, sum(parameter.numel() for parameter in network.parameters()))


def step_seconds(counted: Counts, batch: int, precision: str, peak: float, bandwidth: float) -> float:
    """The least seconds of one training step. peak: operations per second; bandwidth: bytes per second."""
    size = BYTES[precision]
    total = (counted.between * batch * size + counted.parameters * OPTIMIZER) / bandwidth
    for each in counted.products:
        needed = not each.first
        forward = batch * (each.inputs + each.outputs) + each.weights
        backward = batch * (each.outputs + each.inputs * (1 + needed)) + each.weights * (1 + needed)
        operations = batch * each.operations
        total += max(operations / peak, forward * size / bandwidth)
        total += max(operations * (1 + needed) / peak, backward * size / bandwidth)
    return total


def peak(precision: str, device: torch.device, quick: bool = False) -> float:
    """Operations per second of the best of several square products, 2 n^3 operations each."""
    sizes = SMALL if quick else LARGE if device.type == "cuda" else SIZES
    return max(_product(size, getattr(torch, precision), device) for size in sizes)


def _product(size: int, dtype: torch.dtype, device: torch.device) -> float:
    left, right = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
    out = left @ right  # warm up
    return 2 * size**3 / min(seconds(lambda: torch.mm(left, right, out=out), device) for _ in range(REPEATED))


def bandwidth(device: torch.device, quick: bool = False) -> float:
    """Bytes per second, read and written, of a copy that no cache holds."""
    size = COPIED // 64 if quick else COPIED * (8 if device.type == "cuda" else 1)
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = source.clone()
    return 2 * len(source) / min(seconds(lambda: target.copy_(source), device) for _ in range(REPEATED))
