"""The device, an easy data set, and how numbers of two devices are compared."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.data.patches import patch_covariance
from softcifar.data.splits import Split
from softcifar.models.dropout import Dropout
from softcifar.models.shakedrop import ShakeDrop
from softcifar.models.stochastic_depth import StochasticDepth
from softcifar.params.recipe import Recipe
from softcifar.training.loop import Task, train
from softcifar.training.state import State

CPU = torch.device("cpu")
DEVICE = torch.device(os.environ.get("SOFTCIFAR_DEVICE") or "cuda")
CLASSES = 3
MEAN, STD = [0.5, 0.45, 0.4], [0.25, 0.2, 0.3]
AIRBENCH = {"name": "airbench", "width1": 24, "width2": 32, "width3": 32}
PACKED = {"name": "packed_airbench", "members": 4, "alpha": 2, "width1": 24, "width2": 32, "width3": 32}
RECIPE = {
    "network": AIRBENCH, "method": "softmax", "loss": "cross_entropy", "augment": ["crop_flip"], "epochs": 2,
    "batch_size": 32, "optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0005,
    "schedule": "cosine", "milestones": [], "factor": 0.1, "warmup": 0, "finetune": 0, "checkpoint": "last", "choose_by": "nll",
    "precision": "float32", "compile": False,
}  # fmt: skip
ADAM = {"optimizer": "adam", "momentum": 0, "nesterov": False, "lr": 0.005}


def split(count: int, seed: int) -> Split:
    """Images 3x32x32 of three easy classes: in each, another channel is lighter."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    images = rng.integers(0, 156, (count, 32, 32, 3))
    images[np.arange(count), :, :, labels] += 80
    return Split(images.astype(np.uint8), labels, np.arange(count))


TRAIN, VALIDATION = split(180, 0), split(60, 1)  # batches of 32 and, at the end, of 20
MANIFEST = {
    "classes": ["red", "green", "blue"], "image_shape": [32, 32, 3], "mean": MEAN, "std": STD,
    "covariance": patch_covariance(TRAIN.images, MEAN, STD),
}  # fmt: skip


class Stopped(Exception):
    """What ends a training in the middle."""


def nobody(*_: object) -> None:
    """Hears of epochs and does nothing."""


def recipe(**changes: object) -> Recipe:
    return Recipe.model_validate({**RECIPE, **changes})


def task(loss=None, **changes: object) -> Task:
    targets = np.eye(CLASSES, dtype=np.float32)[TRAIN.labels]
    return Task("test", recipe(**changes), TRAIN.images, targets, VALIDATION.images, VALIDATION.labels, MANIFEST, 0, 0, loss)


def trained(work: Task, path: Path, device: torch.device = DEVICE) -> State:
    return train(work, device, path, nobody)


def differing(one: State, two: State) -> list[str]:
    """Names of the kept tensors that are not equal bit for bit."""
    assert one.best.keys() == two.best.keys()
    return [name for name, tensor in one.best.items() if not torch.equal(tensor, two.best[name])]


def apart(one: torch.Tensor, two: torch.Tensor) -> float:
    """The largest difference of two tensors, wherever they are, in units of the largest value of the second."""
    assert one.shape == two.shape
    assert one.dtype == two.dtype
    one, two = one.detach().cpu().double(), two.detach().cpu().double()
    assert torch.equal(one.isfinite(), two.isfinite())
    difference = torch.where(two.isfinite(), one - two, 0.0).abs().max().item() if one.numel() else 0.0
    return difference / max(two[two.isfinite()].abs().max().item() if two.isfinite().any() else 0.0, 1e-12)


def draws(network: nn.Module) -> bool:
    """Whether a training pass of the network draws random numbers, which a GPU draws otherwise than a CPU."""
    return any(
        isinstance(module, ShakeDrop | StochasticDepth) or (isinstance(module, Dropout) and module.p > 0)
        for module in network.modules()
    )


def pixels(count: int = 16, seed: int = 0, size: int = 32, channels: int = 3) -> torch.Tensor:
    """Images (B, C, H, W) in [0, 1] of 256 levels, on the CPU: noise on a slope, so that there are edges and areas."""
    generator = torch.Generator().manual_seed(seed)
    slope = torch.linspace(0, 0.6, size)[None, None, :, None] * torch.rand(count, channels, 1, 1, generator=generator)
    noise = 0.4 * torch.rand(count, channels, size, size, generator=generator)
    return ((255 * (slope + noise)).round() / 255).contiguous(memory_format=torch.channels_last)


def targets(count: int = 16, seed: int = 0, classes: int = 10) -> torch.Tensor:
    """Soft targets (B, K) on the CPU, every other one a single class."""
    generator = torch.Generator().manual_seed(seed)
    soft = (3 * torch.randn(count, classes, generator=generator)).softmax(dim=1)
    one = torch.eye(classes)[torch.randint(classes, (count,), generator=generator)]
    return torch.where((torch.arange(count) % 2 == 0)[:, None], one, soft)
