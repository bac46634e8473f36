"""What is written beside trained weights, and how weights are read again."""

import platform
from importlib import metadata
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from softcifar.errors import UserError
from softcifar.execution import Progress, run_all
from softcifar.execution.device import pick, resolve_precision
from softcifar.files import atomic
from softcifar.models.classifier import PLAIN, Classifier, classifier
from softcifar.params.chosen import Chosen


def versions() -> dict[str, str]:
    """Versions that can change a trained network; of packages as installed, without importing them for it."""
    packages = {name: metadata.version(name) for name in ("torch", "torchvision", "numpy")}
    return {"python": platform.python_version(), **packages}


def surroundings(precision: str) -> dict[str, object]:
    """What, besides params, code and data, decides the bytes of a network, where networks train (softcifar.execution).

    {"versions", "device", "precision", "threads"}: noted beside what was trained, and part of a saved state's fingerprint.
    """
    return run_all(_surroundings, [precision])[0]


def _surroundings(precision: str, _: Progress) -> dict[str, object]:
    device = pick()
    surroundings = {"versions": versions(), "device": device.type, "precision": resolve_precision(precision, device)}
    return surroundings | {"threads": torch.get_num_threads()}


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write a safetensors file, whole or not at all."""
    # Not save_file: it hides a full disk behind an exception of its own and replaces what it cannot write.
    with atomic(path) as part:
        part.write_bytes(save(tensors))


def parameter_count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def load_classifier(path: Path, network: Chosen, manifest: dict, device: torch.device, method: Chosen = PLAIN) -> Classifier:
    """A trained classifier in evaluation mode; UserError where the file is missing, damaged or of another network."""
    return restored(read_weights(path), path, network, manifest, device, method)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """A network's tensors; UserError where the file is missing or damaged."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run its train stage (dvc repro)") from None
    except SafetensorError as error:
        raise UserError(f"{path}: not a readable safetensors file ({error}); train it again") from None


def restored(
    weights: dict[str, torch.Tensor], path: Path, network: Chosen, manifest: dict, device: torch.device, method: Chosen = PLAIN
) -> Classifier:
    """The classifier with the weights read from `path`, in evaluation mode; UserError where they are of another network."""
    model = classifier(network, manifest, seed=0, method=method)
    try:
        model.load_state_dict(weights)
    except RuntimeError:
        raise UserError(f"{path}: holds another network than {network.name} with {network.options}") from None
    return model.to(device, memory_format=torch.channels_last).eval()
