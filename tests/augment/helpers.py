"""Images and targets drawn from a seed."""

import torch


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(size: int = 64, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = generator(seed)
    return torch.rand(size, 3, 32, 32, generator=g), torch.eye(10)[torch.randint(10, (size,), generator=g)]
