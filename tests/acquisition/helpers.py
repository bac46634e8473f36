"""A small acquisition: two easy classes of 8x8 images, some of which are ambiguous, and a tiny network."""

from pathlib import Path

import numpy as np

from softcifar.acquisition.acquire import acquire
from softcifar.params.acquisition import Acquisition
from softcifar.params.sections import Seeds
from softcifar.training.state import Store

SEEDS = Seeds(runs=2, search=1, init=0, order=0)
MANIFEST = {"classes": ["dark", "light"], "image_shape": [8, 8, 3], "mean": [0.4] * 3, "std": [0.25] * 3}
SMALL = {
    "network": {"name": "mlp", "width": 8, "layers": 1}, "method": "softmax", "loss": "cross_entropy", "augment": [],
    "epochs": 2, "batch_size": 8, "optimizer": "adam", "lr": 0.01, "momentum": 0, "nesterov": False, "weight_decay": 0.0,
    "schedule": "constant", "factor": 1.0, "warmup": 0, "checkpoint": "last", "choose_by": "nll", "precision": "float32",
    "strategy": "softmax_entropy", "pool": "dirty", "start": 2, "buy": 4, "budget": 12, "draws": 16,
}  # fmt: skip
DROPOUT = {"network": {"name": "mlp", "width": 8, "layers": 1, "dropout": 0.3}, "method": {"name": "mc_dropout", "samples": 3}}


def options(**changes) -> Acquisition:
    return Acquisition.model_validate({**SMALL, **changes})


def arrays(count: int, seed: int, *, ambiguous: int = 0, votes: bool = True) -> dict[str, np.ndarray]:
    """Dark and light images; the last `ambiguous` ones are grey, and nine of twelve people call them light."""
    rng = np.random.default_rng(seed)
    labels, doubtful = np.arange(count) % 2, np.arange(count) >= count - ambiguous
    level = np.where(doubtful, 50, 100 * labels)
    images = (rng.integers(0, 120, (count, 8, 8, 3)) + level[:, None, None, None]).astype(np.uint8)
    found = {"images": images, "labels": labels, "index": 1000 + np.arange(count), "ambiguous": doubtful}
    if votes:
        found["votes"] = np.where(doubtful[:, None], [3, 9], 12 * np.eye(2, dtype=np.int64)[labels])
    return found


def run(tmp_path: Path, name: str = "a", store: str = "states", seeds: Seeds = SEEDS, train=None, test=None, **changes) -> Path:
    """Learn actively; the folder with the files."""
    acquire(
        name,
        options(**changes),
        seeds,
        train_arrays=arrays(40, 0, ambiguous=16) if train is None else train,
        test_arrays=arrays(20, 1, ambiguous=6) if test is None else test,
        manifest=MANIFEST,
        states=Store(tmp_path / store, "x"),
        out=tmp_path / name,
    )
    return tmp_path / name


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
