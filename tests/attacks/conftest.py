"""Small networks that have learned scikit-learn's digits."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn


@pytest.fixture(scope="session")
def digits():
    """(network: images to logits (1, B, 10); 300 images (B, 1, 8, 8) in [0, 1]; their labels), the images not learned."""
    body, images, labels = learned(nn.Identity())
    return lambda given: body(given)[None], images, labels


@pytest.fixture(scope="session")
def dropout_digits():
    """The same of a network that drops half its hidden units at every call: images to logits (samples, B, 10)."""
    body, images, labels = learned(nn.Dropout(0.5))
    return lambda given, samples=5: torch.stack([body(given) for _ in range(samples)]), images, labels


def learned(hidden: nn.Module) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    labels = torch.tensor(labels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), hidden, nn.Linear(64, 10))
        optimizer = torch.optim.Adam(body.parameters(), lr=1e-2)
        for _ in range(200):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(body(images[300:]), labels[300:]).backward()
            optimizer.step()
    return body.requires_grad_(False), images[:300], labels[:300]
