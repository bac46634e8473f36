"""Small networks in the place of annotators: what images that lie between classes are taken for."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from softcifar.seeding import derive

STEPS, BATCH, RATE = 500, 64, 0.01  # of Adam; the rate falls evenly to zero
AT_ONCE = 2000  # images judged together


class Annotators:
    """Networks that each learned from a random half of the same images, drawn apart; computed on the CPU in one thread."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, classes: int, count: int, seed: int) -> None:
        """images: grey, uint8 (N, H, W); labels: (N,) in 0..classes-1."""
        self.networks = [
            _trained(images, labels, classes, derive(seed, "annotator", number), images.shape[1:]) for number in range(count)
        ]

    @torch.no_grad()
    def judge(self, images: np.ndarray) -> np.ndarray:
        """What each takes each image for: probabilities float64 (count, N, K); images uint8 (N, H, W)."""
        parts = [_input(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)]
        return np.stack(
            [torch.cat([network(part).double().softmax(dim=1) for part in parts]).numpy() for network in self.networks]
        )


def _trained(images: np.ndarray, labels: np.ndarray, classes: int, seed: int, shape: tuple[int, int]) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    own = torch.randperm(len(images), generator=generator)[: -(-len(images) // 2)].numpy()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # first weights
        network = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(8, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * -(-shape[0] // 4) * -(-shape[1] // 4), classes),
        )
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, STEPS)
    for _ in range(STEPS):
        batch = own[torch.randint(len(own), (BATCH,), generator=generator).numpy()]
        loss = F.cross_entropy(network(_input(images[batch])), torch.from_numpy(labels[batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _input(images: np.ndarray) -> torch.Tensor:
    return torch.tensor(images[:, None]).float() / 255
