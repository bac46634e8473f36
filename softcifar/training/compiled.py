"""A network's forward and backward pass, each as one compiled program."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from softcifar.errors import UserError

CACHE = Path(".state/compiled")  # compiled programs, for every later epoch, run, student and stage with the same shapes
COMPILERS = ("g++", "clang++", "c++")


def compiled(network: nn.Module, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network as torch.compile makes it; it shares the network's parameters and buffers.

    On a GPU the programs are recorded as CUDA graphs, so that a step costs a few launches. Every shape of a batch is compiled
    by itself. Rounding differs from the network's own operations. Raises UserError where this machine has no C++ compiler.
    """
    if not (os.environ.get("CXX") or any(map(shutil.which, COMPILERS))):
        raise UserError(
            f"compile: found true, but no C++ compiler ({', '.join(COMPILERS)}); install one, or set compile: false"
        )
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(CACHE.resolve()))
    return torch.compile(network, dynamic=False, mode="reduce-overhead" if device.type == "cuda" else None)
