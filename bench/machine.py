"""What the numbers were measured on: a name for the hardware, and the versions of the software."""

import importlib.metadata
import platform
import re

import torch

from softcifar.pipeline.provenance import processor

PACKAGES = ("torch", "torchvision", "numpy", "softcifar")


def name(device: torch.device, cores: int) -> str:
    """'amd-epyc-2-cores': the GPU, or else the processor, and how many CPU cores this process may use. No host name."""
    return slug(torch.cuda.get_device_name(device) if device.type == "cuda" else processor(), cores)


def slug(model: str, cores: int) -> str:
    """A model as its maker writes it and a number of cores, as a file name: lower case, without trade marks and clock rates."""
    bare = re.sub(r"\((r|tm)\)|@.*|\bcpu\b|\bprocessor\b|\b\d+-core\b", " ", model.lower())
    words = "-".join(re.findall(r"[a-z0-9]+", bare)) or "unknown"
    return f"{words}-{cores}-core{'s' if cores > 1 else ''}"


def versions() -> dict[str, str]:
    """{"python": ..., "torch": ..., ...} of all that a number may depend on."""
    return {"python": platform.python_version()} | {package: importlib.metadata.version(package) for package in PACKAGES}
