"""The device that trains, the arithmetic it is good at, and how many networks train side by side on this machine."""

import contextlib
import os

import torch

from softcifar.errors import UserError


def pick() -> torch.device:
    """The GPU where there is one, else the CPU; SOFTCIFAR_DEVICE=cpu|cuda|cuda:1 names another.

    What computes on the CPU has `threads()` threads from then on.
    """
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
    torch.set_num_threads(threads())
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False  # float32 with all of its bits, as products have them by default
    return device


def threads() -> int:
    """CPU threads of one network: 1, or SOFTCIFAR_THREADS.

    Sums over several threads are rounded differently than over one, so a number that followed the machine's cores would give
    every machine its own networks. Cores are used by training networks side by side, which is faster as well.
    """
    return _count("SOFTCIFAR_THREADS") or 1


def workers() -> list[str]:
    """The device of each network that trains side by side with others, 'cpu' or 'cuda:<n>'.

    As many as SOFTCIFAR_WORKERS says; without it one per GPU (per `threads()` CPU cores where no GPU is used), counting what
    this process may use, not what the machine has.
    """
    device, wanted = pick(), _count("SOFTCIFAR_WORKERS")
    if device.type == "cpu":
        return ["cpu"] * (wanted or max(1, cores() // threads()))
    named = device.index is not None
    gpus = [str(device)] if named else [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [gpus[number % len(gpus)] for number in range(wanted or len(gpus))]


def cores() -> int:
    """CPU cores that this process may use: not more than its affinity or its container's quota."""
    from joblib import cpu_count  # here, because it takes 0.3 s and few stages need it

    return cpu_count()


def _count(variable: str) -> int | None:
    text = os.environ.get(variable)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UserError(f"{variable}: found '{text}'; allowed: a whole number from 1")
    return int(text)


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
