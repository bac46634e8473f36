"""A trained network under attack: what it predicts for adversarial examples, crafted for it or for a surrogate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.attacks import ATTACKS
from softcifar.data.splits import Split, read_of_split, spaced
from softcifar.errors import UserError
from softcifar.methods import METHODS
from softcifar.methods.prediction import predictive_log_probs, to_pixels
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Attack
from softcifar.seeding import derive

GRADIENT = 3  # forward passes that a gradient costs: the pass itself, and a backward pass of twice its cost
LEVELS = 127  # of int8, to one side: a change of a surrogate's images is stored in 127ths of its radius

# (pixels, labels, places among the attacked images, generator) -> adversarial examples, one tensor per radius
Craft = Callable[[torch.Tensor, torch.Tensor, slice, torch.Generator], list[torch.Tensor]]


class Target:
    """A network with its uncertainty method as attacks see it, a Predictor; `cost` counts passes of one image."""

    def __init__(self, network: nn.Module, method: Chosen) -> None:
        self.network = network.requires_grad_(False)
        self.uncertainty = METHODS[method.name](**method.options)
        self.device = next(network.parameters()).device
        self.cost = 0

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        logits = self.uncertainty.predict(self.network, pixels)
        self.cost += self.uncertainty.passes * len(pixels) * (GRADIENT if pixels.requires_grad else 1)
        return logits

    @torch.inference_mode()
    def log_probs(self, pixels: torch.Tensor) -> torch.Tensor:
        """log of the mean probability over samples, float32 (B, K)."""
        return predictive_log_probs(self(pixels))


def under_attack(
    network: nn.Module,
    test: Split,
    method: Chosen,
    attacks: Mapping[str, Attack],
    surrogates: Mapping[str, Path],
    *,
    split: int = 0,
    batch_size: int,
    seed: int,
) -> tuple[dict[str, np.ndarray], int]:
    """What one network predicts under every attack, and the cost in forward passes of one image.

    attacks: by their names in softcifar.attacks. {<attack>_eps_255: float64 (E,), the first 0; <attack>_index: positions of the
    attacked test images int64 (M,); <attack>_log_probs: float32 (E, M, K)} for each of them and transfer_<surrogate>. The
    examples of `attacks` are crafted for this network; a surrogate's are those of its file for `split`, of which `test` is a
    part (`make_surrogate`). UserError where such a file is of other images or radii than attacks['pgd']. Empty where there is
    no attack.
    """
    target, counts = Target(network, method), nested(attacks)
    crafts: dict[str, tuple[list[float], np.ndarray, Craft]] = {
        name: (attack.eps_255, attacked(len(test.labels), counts[name]), _craft(name, target, attack))
        for name, attack in attacks.items()
    }
    for name, path in surrogates.items():
        eps, index, _ = crafts["pgd"]
        crafts[f"transfer_{name}"] = eps, index, _transfer(path, split, eps, index)
    arrays = {}
    for name, (eps, index, craft) in crafts.items():
        arrays[f"{name}_eps_255"], arrays[f"{name}_index"] = np.array([0.0, *eps]), index
        arrays[f"{name}_log_probs"] = np.concatenate(
            [
                torch.stack([target.log_probs(each) for each in (pixels, *examples)]).cpu().numpy()
                for pixels, examples in _batches(name, craft, target, test, index, batch_size, seed)
            ],
            axis=1,
        )
    return arrays, target.cost


def nested(attacks: Mapping[str, Attack]) -> dict[str, list[int]]:
    """{attack: numbers of images}, from the attack with the most images down to it: each attacks some of the one before."""
    order = sorted({attack.images for attack in attacks.values()}, reverse=True)
    return {name: [count for count in order if count >= attack.images] for name, attack in attacks.items()}


def attacked(total: int, counts: Sequence[int]) -> np.ndarray:
    """Positions int64 (M,) of the attacked among `total` test images: `counts[0]` of all, `counts[1]` of those, and so on."""
    index = np.arange(total)
    for count in counts:
        index = index[spaced(len(index), count)]
    return index


def make_surrogate(
    network: nn.Module, test: Split, method: Chosen, pgd: Attack, counts: Sequence[int], *, batch_size: int, seed: int
) -> dict[str, np.ndarray]:
    """Adversarial examples that PGD crafts for this network, to be tested on others.

    pgd, counts: that attack, and its `nested` numbers of images. {eps_255: float64 (E,); index: positions of the test images
    int64 (M,); change: int8 (E, M, C, H, W), 127ths of the radius}.
    """
    target, index = Target(network, method), attacked(len(test.labels), counts)
    changes = []
    for pixels, examples in _batches("pgd", _craft("pgd", target, pgd), target, test, index, batch_size, seed):
        shares = [(each - pixels) / radius for each, radius in zip(examples, _shares(pgd.eps_255), strict=True)]
        changes.append((LEVELS * torch.stack(shares)).round().clamp(-LEVELS, LEVELS).to(torch.int8).cpu().numpy())
    return {"eps_255": np.array(pgd.eps_255), "index": index, "change": np.concatenate(changes, axis=1)}


def _craft(name: str, target: Target, attack: Attack) -> Craft:
    function, radii = ATTACKS[name], _shares(attack.eps_255)
    return lambda pixels, labels, part, generator: function(
        target, pixels, labels, radii, generator=generator, **attack.options
    )


def _transfer(path: Path, split: int, eps_255: Sequence[float], index: np.ndarray) -> Craft:
    stored = read_of_split(path, split, "eps_255", "index", "change")
    if not np.array_equal(stored["index"], index) or stored["eps_255"].tolist() != list(eps_255):
        raise UserError(f"{path}: was made for other test images or radii; run its surrogate stage again (dvc repro)")

    def craft(pixels: torch.Tensor, labels: torch.Tensor, part: slice, generator: torch.Generator) -> list[torch.Tensor]:
        changes = torch.as_tensor(stored["change"][:, part]).to(pixels) / LEVELS
        return [(pixels + radius * each).clamp(0, 1) for radius, each in zip(_shares(eps_255), changes, strict=True)]

    return craft


def _batches(
    name: str, craft: Craft, target: Target, test: Split, index: np.ndarray, batch_size: int, seed: int
) -> Iterator[tuple[torch.Tensor, list[torch.Tensor]]]:
    """(pixels, adversarial examples per radius) of every batch, one at a time."""
    for start in range(0, len(index), batch_size):
        part = slice(start, start + batch_size)
        pixels = to_pixels(torch.as_tensor(test.images[index[part]]).to(target.device))
        labels = torch.as_tensor(test.labels[index[part]]).to(target.device)
        torch.manual_seed(derive(seed, name, start // batch_size))  # the draws of a stochastic network
        generator = torch.Generator(target.device).manual_seed(derive(seed, name, "attack", start // batch_size))
        yield pixels, craft(pixels, labels, part, generator)


def _shares(eps_255: Sequence[float]) -> list[float]:
    return [float(radius) / 255 for radius in eps_255]
