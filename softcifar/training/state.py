"""The state of a training run: while it trains, enough to go on and end in the same bytes; then its result.

States lie outside the stages' outputs (DVC removes those before it runs a stage), each in a file named after everything that
decides the run's result, so a state never meets other data, params or code. Finished runs stay: two students that need the
same network, one more run, one more value to tune over train only what is new.
"""

import fcntl
import hashlib
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from tqdm import tqdm

from softcifar.errors import UserError
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
    note = json.dumps({"epoch": state.epoch, "best_epoch": state.best_epoch, "history": state.history, "fitted": state.fitted})
    with atomic(path) as part:
        part.write_bytes(save(tensors, {"state": note, "sha256": _digest(path, note, tensors)}))


def load_state(path: Path) -> State:
    """The saved state, or a fresh one where there is none that is whole and was saved under this very name."""
    groups: dict[str, Tensors] = {"weights": {}, "optimizer": {}, "best": {}}
    try:
        with safe_open(path, "pt") as file:
            note, found = file.metadata()["state"], file.metadata()["sha256"]
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        if found != _digest(path, note, tensors):
            raise ValueError
        for key, tensor in tensors.items():
            group, name = key.split("/", 1)
            groups[group][name] = tensor
        state = State(**json.loads(note), **groups)
    except FileNotFoundError:
        return State()
    # Damaged, another run's, or of a time when states were written differently.
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError):
        tqdm.write(f"{path}: damaged or not the state of this run; the run begins anew", file=sys.stderr)
        return State()
    state.best = state.best or state.weights
    return state


def _digest(path: Path, note: str, tensors: Tensors) -> str:
    """sha256 of a state and its file's name, which stands for everything that decides the run."""
    whole = hashlib.sha256(f"{path.name}\n{note}\n".encode())
    for name, tensor in sorted(tensors.items()):
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return whole.hexdigest()


def reachable(path: Path) -> Path:
    """A state's file where a network trains: a cluster's node without the study's folder keeps it in its temporary folder.

    There in a folder of this user alone, because anybody may write into a temporary folder: UserError where it is another's.
    """
    if path.parent.is_dir():
        return path
    own = Path(tempfile.gettempdir()) / f"softcifar-{os.getuid()}"
    with suppress(FileExistsError):
        own.mkdir(mode=0o700)
    about = own.lstat()  # of the folder itself, not of what a link there points to
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
        raise UserError(f"{own}: another user's, or no folder; remove it, or set TMPDIR to a folder of your own")
    own.chmod(0o700)
    return own / path.name


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
