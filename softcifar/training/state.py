"""The state of an unfinished training run: enough after every epoch to go on and end in the same bytes.

It lies outside the stage's outputs (DVC removes those before it runs a stage), in a folder named after the fingerprint of
everything that decides the result, so a state never meets other data, params or code.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from softcifar.files import atomic

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """After `epoch` whole epochs: weights and momentum now, the best weights so far, and the history."""

    epoch: int = 0
    weights: Tensors = field(default_factory=dict)
    momentum: Tensors = field(default_factory=dict)
    best: Tensors = field(default_factory=dict)
    best_epoch: int = 0
    history: list[dict] = field(default_factory=list)


def save_state(path: Path, state: State) -> None:
    """Write the state as one safetensors file, whole or not at all."""
    # The best weights are often the present ones: written once, safetensors takes no shared memory.
    best = {} if state.best_epoch == state.epoch else state.best
    groups = {"weights": state.weights, "momentum": state.momentum, "best": best}
    tensors = {f"{group}/{name}": tensor.contiguous() for group, some in groups.items() for name, tensor in some.items()}
    note = {"epoch": state.epoch, "best_epoch": state.best_epoch, "history": state.history}
    with atomic(path) as part:
        part.write_bytes(save(tensors, {"state": json.dumps(note)}))


def load_state(path: Path) -> State:
    """The saved state, or a fresh one where there is none that can be read."""
    try:
        with safe_open(path, "pt") as file:
            note = json.loads(file.metadata()["state"])
            groups: dict[str, Tensors] = {"weights": {}, "momentum": {}, "best": {}}
            for key in file.keys():  # noqa: SIM118 - not a dict
                group, name = key.split("/", 1)
                groups[group][name] = file.get_tensor(key)
    except (FileNotFoundError, SafetensorError, KeyError, ValueError):
        return State()
    groups["best"] = groups["best"] or groups["weights"]
    return State(**note, **groups)


class Folder:
    """The states of one stage: `folder / <fingerprint> / <run>.safetensors`; states of other fingerprints are removed."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder, self.path = folder, folder / fingerprint
        if folder.exists():
            for other in folder.iterdir():
                if other.name != fingerprint:
                    shutil.rmtree(other, ignore_errors=True)
        self.path.mkdir(parents=True, exist_ok=True)

    def of(self, run: str) -> Path:
        return self.path / f"{run}.safetensors"

    def remove(self) -> None:
        """Call once the stage's outputs are written."""
        shutil.rmtree(self.folder, ignore_errors=True)
