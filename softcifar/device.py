"""The device that trains, and the arithmetic it is good at."""

import contextlib
import os

import torch

from softcifar.errors import UserError


def pick() -> torch.device:
    """The GPU where there is one, else the CPU; SOFTCIFAR_DEVICE=cpu|cuda|cuda:1 names another."""
    wanted = os.environ.get("SOFTCIFAR_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        if device.type not in ("cpu", "cuda"):  # others lack float64, which losses are summed in
            raise RuntimeError
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(
            f"SOFTCIFAR_DEVICE: found '{wanted}'; allowed: cpu, or a CUDA GPU that this machine has (cuda, cuda:1)"
        ) from None
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    return device


def resolve_precision(precision: str, device: torch.device) -> str:
    """'bfloat16' or 'float32': 'auto' is bfloat16 where the processor has instructions for it.

    Without them bfloat16 is emulated and slower than float32.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if fast else "float32"


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager:
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
