"""A trained network under attack: what it predicts for images that were moved against it, or against a surrogate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.attacks.fgsm import fgsm
from softcifar.attacks.pgd import pgd
from softcifar.attacks.random_search import random_search
from softcifar.data.splits import Split, spaced
from softcifar.errors import UserError
from softcifar.files import read_npz
from softcifar.methods import METHODS
from softcifar.methods.prediction import predictive_log_probs, to_pixels
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Attacks
from softcifar.seeding import derive

GRADIENT = 3  # forward passes that a gradient costs: the pass itself and twice as much backwards
LEVELS = 127  # of int8, to one side: a change of a surrogate's images is stored in 127ths of its radius

# (pixels, labels, places among the attacked images, generator) -> images moved, one tensor per radius
Attack = Callable[[torch.Tensor, torch.Tensor, slice, torch.Generator], list[torch.Tensor]]


class Target:
    """A network with its uncertainty method as attacks see it, a Predictor; `cost` counts passes of one image."""

    def __init__(self, network: nn.Module, method: Chosen) -> None:
        self.network = network.requires_grad_(False)
        self.uncertainty = METHODS[method.name](**method.options)
        self.device = next(network.parameters()).device
        self.cost = 0

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        logits = self.uncertainty.predict(self.network, pixels)
        self.cost += len(logits) * len(pixels) * (GRADIENT if pixels.requires_grad else 1)
        return logits

    @torch.inference_mode()
    def log_probs(self, pixels: torch.Tensor) -> torch.Tensor:
        """log of the mean probability over samples, float32 (B, K)."""
        return predictive_log_probs(self(pixels))


def under_attack(
    network: nn.Module,
    test: Split,
    method: Chosen,
    settings: Attacks,
    surrogates: Mapping[str, Path],
    *,
    batch_size: int,
    seed: int,
) -> tuple[dict[str, np.ndarray], int]:
    """What one network predicts under every attack of the settings, and the cost in forward passes of one image.

    {<attack>_eps_255: float64 (E,), the first 0; <attack>_index: positions of the attacked test images int64 (M,);
    <attack>_log_probs: float32 (E, M, K)} for fgsm, pgd, random_search and transfer_<surrogate>. Gradients and random search
    are this network's own; a surrogate's images are those of its file (`make_surrogate`). UserError where such a file is of
    other images or radii. Empty where the settings name no radius.
    """
    target = Target(network, method)
    fast, slow = attacked(len(test.labels), settings)
    attacks: dict[str, tuple[list[float], np.ndarray, Attack]] = {}
    if settings.fgsm_eps_255:
        attacks["fgsm"] = settings.fgsm_eps_255, fast, _fgsm(target, settings)
    if settings.pgd_eps_255:
        attacks["pgd"] = settings.pgd_eps_255, slow, _pgd(target, settings)
    if settings.pgd_eps_255 and settings.random_search_queries:
        attacks["random_search"] = settings.pgd_eps_255, slow, _random_search(target, settings)
    for name, path in surrogates.items():
        attacks[f"transfer_{name}"] = settings.pgd_eps_255, slow, _transfer(path, settings, slow)
    found = {}
    for name, (eps, index, attack) in attacks.items():
        found[f"{name}_eps_255"], found[f"{name}_index"] = np.array([0.0, *eps]), index
        found[f"{name}_log_probs"] = np.concatenate(
            [
                torch.stack([target.log_probs(each) for each in (pixels, *moved)]).cpu().numpy()
                for pixels, moved in _moved(name, attack, target, test, index, batch_size, seed)
            ],
            axis=1,
        )
    return found, target.cost


def attacked(total: int, settings: Attacks) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the test images that FGSM moves, and of those among them that the other attacks move."""
    fast = spaced(total, settings.fgsm_images)
    return fast, fast[spaced(len(fast), settings.pgd_images)]


def make_surrogate(
    network: nn.Module, test: Split, method: Chosen, settings: Attacks, *, batch_size: int, seed: int
) -> dict[str, np.ndarray]:
    """Images that PGD moved against this network, to be tried on others.

    {eps_255: float64 (E,); index: positions of the test images int64 (M,); change: int8 (E, M, C, H, W), 127ths of the radius}.
    """
    target = Target(network, method)
    _, index = attacked(len(test.labels), settings)
    changes = []
    for pixels, moved in _moved("pgd", _pgd(target, settings), target, test, index, batch_size, seed):
        shares = [(each - pixels) / radius for each, radius in zip(moved, _shares(settings.pgd_eps_255), strict=True)]
        changes.append((LEVELS * torch.stack(shares)).round().clamp(-LEVELS, LEVELS).to(torch.int8).cpu().numpy())
    return {"eps_255": np.array(settings.pgd_eps_255), "index": index, "change": np.concatenate(changes, axis=1)}


def _fgsm(target: Target, settings: Attacks) -> Attack:
    return lambda pixels, labels, part, generator: fgsm(target, pixels, labels, _shares(settings.fgsm_eps_255))


def _random_search(target: Target, settings: Attacks) -> Attack:
    return lambda pixels, labels, part, generator: [
        random_search(target, pixels, labels, radius, generator=generator, queries=settings.random_search_queries)
        for radius in _shares(settings.pgd_eps_255)
    ]


def _pgd(target: Target, settings: Attacks) -> Attack:
    return lambda pixels, labels, part, generator: [
        pgd(target, pixels, labels, radius, generator=generator, steps=settings.pgd_steps)
        for radius in _shares(settings.pgd_eps_255)
    ]


def _transfer(path: Path, settings: Attacks, index: np.ndarray) -> Attack:
    stored = read_npz(path, "eps_255", "index", "change")
    if not np.array_equal(stored["index"], index) or stored["eps_255"].tolist() != list(settings.pgd_eps_255):
        raise UserError(f"{path}: was made for other test images or radii; run its surrogate stage again (dvc repro)")

    def attack(pixels: torch.Tensor, labels: torch.Tensor, part: slice, generator: torch.Generator) -> list[torch.Tensor]:
        changes = torch.as_tensor(stored["change"][:, part]).to(pixels) / LEVELS
        return [(pixels + radius * each).clamp(0, 1) for radius, each in zip(_shares(stored["eps_255"]), changes, strict=True)]

    return attack


def _moved(
    name: str, attack: Attack, target: Target, test: Split, index: np.ndarray, batch_size: int, seed: int
) -> Iterator[tuple[torch.Tensor, list[torch.Tensor]]]:
    """(pixels, moved images per radius) of every batch, one at a time."""
    for start in range(0, len(index), batch_size):
        part = slice(start, start + batch_size)
        pixels = to_pixels(torch.as_tensor(test.images[index[part]]).to(target.device))
        labels = torch.as_tensor(test.labels[index[part]]).to(target.device)
        torch.manual_seed(derive(seed, name, start // batch_size))  # the draws of a stochastic network
        generator = torch.Generator(target.device).manual_seed(derive(seed, name, "attack", start // batch_size))
        yield pixels, attack(pixels, labels, part, generator)


def _shares(eps_255: Sequence[float]) -> list[float]:
    return [float(radius) / 255 for radius in eps_255]
