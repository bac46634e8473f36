"""The state of a training run: while it trains, enough to go on and end in the same bytes; then its result.

States lie outside the stages' outputs (DVC removes those before it runs a stage), each in a file named after everything that
decides the run's result, so a state never meets other data, params or code. Finished runs stay: two students that need the
same network, one more run, one more value to tune over train only what is new.
"""

import fcntl
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from softcifar.files import atomic

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """After `epoch` whole epochs: weights and optimizer now (empty once finished), the weights to keep, and the history.

    fitted: what the uncertainty method fitted after training, for the report.
    """

    epoch: int = 0
    weights: Tensors = field(default_factory=dict)
    optimizer: Tensors = field(default_factory=dict)
    best: Tensors = field(default_factory=dict)
    best_epoch: int = 0
    history: list[dict] = field(default_factory=list)
    fitted: dict[str, float] = field(default_factory=dict)


def save_state(path: Path, state: State) -> None:
    """Write the state as one safetensors file, whole or not at all."""
    # The best weights are often the present ones: written once, safetensors takes no shared memory.
    best = {} if state.best is state.weights else state.best
    groups = {"weights": state.weights, "optimizer": state.optimizer, "best": best}
    tensors = {f"{group}/{name}": tensor.contiguous() for group, some in groups.items() for name, tensor in some.items()}
    note = {"epoch": state.epoch, "best_epoch": state.best_epoch, "history": state.history, "fitted": state.fitted}
    with atomic(path) as part:
        part.write_bytes(save(tensors, {"state": json.dumps(note)}))


def load_state(path: Path) -> State:
    """The saved state, or a fresh one where there is none that can be read."""
    try:
        with safe_open(path, "pt") as file:
            note = json.loads(file.metadata()["state"])
            groups: dict[str, Tensors] = {"weights": {}, "optimizer": {}, "best": {}}
            for key in file.keys():  # noqa: SIM118 - not a dict
                group, name = key.split("/", 1)
                groups[group][name] = file.get_tensor(key)
    except (FileNotFoundError, SafetensorError, KeyError, ValueError):
        return State()
    groups["best"] = groups["best"] or groups["weights"]
    return State(**note, **groups)


def reachable(path: Path) -> Path:
    """A state's file where a network trains: a cluster's node without the study's folder keeps it in its temporary folder."""
    return path if path.parent.is_dir() else Path(tempfile.gettempdir()) / "softcifar" / path.name


def keep(path: Path, state: State) -> None:
    """Save a finished state that was trained where `path` cannot be reached."""
    if not path.exists():
        save_state(path, state)


@contextmanager
def alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a state for this process alone; `waiting` is called first where another one trains the same network."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "a") as file:  # the lock goes with the process, however that ends
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(values: np.ndarray) -> str:
    """sha256 of an array's shape, type and values."""
    return hashlib.sha256(repr((values.shape, values.dtype)).encode() + np.ascontiguousarray(values).tobytes()).hexdigest()


class Store:
    """The states of all runs: `folder / <what decides the run>.safetensors`. Those unused for `KEEP_DAYS` are removed."""

    KEEP_DAYS = 30

    def __init__(self, folder: Path, fingerprint: str) -> None:
        """fingerprint: of what all runs of this stage share, their data and code."""
        self.folder, self.fingerprint = folder.resolve(), fingerprint
        folder.mkdir(parents=True, exist_ok=True)
        for file in [*folder.glob("*.safetensors"), *folder.glob("*.lock")]:
            if time.time() - file.stat().st_mtime > self.KEEP_DAYS * 86400:
                file.unlink(missing_ok=True)

    def of(self, *decisive: object) -> Path:
        """The file of one run; `decisive`: whatever decides its result besides the fingerprint, printable."""
        name = hashlib.sha256(repr((self.fingerprint, *decisive)).encode()).hexdigest()[:24]
        path = self.folder / f"{name}.safetensors"
        if path.exists():
            path.touch()
        return path
