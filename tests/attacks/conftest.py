"""A small network that has learned scikit-learn's digits."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn


@pytest.fixture(scope="session")
def digits():
    """(network: images to logits (1, B, 10); 300 images (B, 1, 8, 8) in [0, 1]; their labels), the images not learned."""
    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    labels = torch.tensor(labels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(body.parameters(), lr=1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(body(images[300:]), labels[300:]).backward()
        optimizer.step()
    body.requires_grad_(False)
    return lambda given: body(given)[None], images[:300], labels[:300]
