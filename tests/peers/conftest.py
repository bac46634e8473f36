"""What the comparisons with other libraries share. Those that need the extra `peers` skip without it."""

import types
import warnings

import numpy as np
import pytest
import torch


def peer(name: str) -> types.ModuleType:
    """The other library's module, or the test is skipped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a library says of itself while it is imported
        return pytest.importorskip(name, reason=f"{name} is not there: pip install softcifar[peers]", exc_type=ImportError)


def predictions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities float64 (N, K) from even to nearly one-hot, and labels (N,) that are often the likeliest class."""
    images, classes = int(rng.integers(20, 400)), int(rng.integers(2, 12))
    probs = rng.dirichlet(np.full(classes, rng.choice([0.05, 0.3, 1.0, 5.0])), images)
    probs = np.clip(probs, 1e-9, None)
    probs /= probs.sum(axis=1, keepdims=True)
    labels = np.where(rng.random(images) < rng.random(), probs.argmax(axis=1), rng.integers(classes, size=images))
    return probs, labels


def logits(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits float64 (B, K), labels (B,) and soft targets (B, K)."""
    batch, classes = int(rng.integers(1, 30)), int(rng.integers(2, 12))
    made = torch.tensor(rng.choice([0.1, 1.0, 5.0, 20.0]) * rng.standard_normal((batch, classes)))
    return made, torch.tensor(rng.integers(classes, size=batch)), torch.tensor(rng.dirichlet(np.full(classes, 0.5), batch))
