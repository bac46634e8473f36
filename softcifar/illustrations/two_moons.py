"""Two moons: where four kinds of uncertainty call the plane unknown (Mukhoti et al. 2023, figure 3)."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from softcifar.models.spectral import SpectralNorm
from softcifar.progress import bar
from softcifar.scores import FEATURE_SCORES
from softcifar.scores.predictive_entropy import predictive_entropy
from softcifar.seeding import derive
from softcifar.training.adam import Adam

WIDTH, BLOCKS, BATCH, LR = 64, 4, 100, 0.005
COEFF = 0.95  # of the blocks: I + 0.95 is then bi-Lipschitz, so points that lie apart stay apart
ACROSS, DOWN, STEPS = (-2.5, 3.5), (-2.5, 3.0), 90  # the part of the plane that is shown, and its resolution


class Residual(nn.Module):
    """Points (B, 2) to logits (B, 2), by residual blocks of 1x1 convolutions (which are matrices) with LeakyReLU."""

    def __init__(self, *, spectral_norm: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, WIDTH, 1)
        blocks = [nn.Conv2d(WIDTH, WIDTH, 1) for _ in range(BLOCKS)]
        self.blocks = nn.ModuleList([SpectralNorm(each, size=1, coeff=COEFF) for each in blocks] if spectral_norm else blocks)
        self.head = nn.Linear(WIDTH, 2)

    def features(self, points: torch.Tensor) -> torch.Tensor:
        hidden = self.stem(points[:, :, None, None])
        for block in self.blocks:
            hidden = hidden + F.leaky_relu(block(hidden), 0.01)
        return hidden.flatten(1)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(points))


def uncertainty_maps(*, points: int, noise: float, members: int, epochs: int, seed: int) -> dict[str, np.ndarray]:
    """Train on `points` of scikit-learn's two moons and score a grid of the plane.

    Returns points float32 (N, 2), labels int64 (N,), across and down float32 (STEPS,) the grid's coordinates, and float64
    (STEPS, STEPS) maps, rows downwards, higher = more uncertain: softmax_entropy of one network, ensemble_entropy of `members`
    of them, normalised_entropy of one with spectral normalisation and density of its features (DDU). noise: standard deviation
    of the points around the moons.
    """
    from sklearn.datasets import make_moons

    data, labels = make_moons(points, noise=noise, random_state=seed)
    data = torch.as_tensor(data, dtype=torch.float32)
    targets = torch.as_tensor(labels)
    across, down = np.linspace(*ACROSS, STEPS, dtype=np.float32), np.linspace(*DOWN, STEPS, dtype=np.float32)
    grid = torch.as_tensor(np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2))
    with bar(total=(members + 1) * epochs, what="two moons", unit="epoch") as shown:
        plain = [_train(data, targets, epochs, derive(seed, "member", each), False, shown) for each in range(members)]
        normalised = _train(data, targets, epochs, derive(seed, "normalised"), True, shown)
    with torch.inference_mode():
        logits = torch.stack([network(grid) for network in plain]).numpy()
        features = [normalised.features(each).double().numpy() for each in (data, grid)]
        of_normalised = normalised(grid).numpy()
    maps = {
        "softmax_entropy": predictive_entropy(logits[:1]),
        "ensemble_entropy": predictive_entropy(logits),
        "normalised_entropy": predictive_entropy(of_normalised[None]),
        "density": FEATURE_SCORES["ddu"](features[0], labels, features[1]),
    }
    maps = {name: values.reshape(STEPS, STEPS) for name, values in maps.items()}
    return {"points": data.numpy(), "labels": labels.astype(np.int64), "across": across, "down": down} | maps


def _train(data: torch.Tensor, targets: torch.Tensor, epochs: int, seed: int, spectral_norm: bool, shown) -> Residual:
    torch.manual_seed(seed)
    network = Residual(spectral_norm=spectral_norm)
    optimizer = Adam(network, weight_decay=0.0)
    generator = torch.Generator().manual_seed(seed)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(data), generator=generator).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(network(data[batch]), targets[batch]).backward()
            optimizer.step(LR)
        shown.update()
    return network.eval()
