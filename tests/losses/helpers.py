"""Logits, labels and targets to compute losses of."""

import torch


def logits_with(p_true: float, classes: int = 10) -> torch.Tensor:
    probs = torch.full((1, classes), (1 - p_true) / (classes - 1), dtype=torch.float64)
    probs[0, 0] = p_true
    return probs.log()


def random_case(seed: int, batch: int = 6, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(batch, classes, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (batch,), generator=generator)
    targets = torch.rand(batch, classes, generator=generator, dtype=torch.float64).pow(3)
    return logits, labels, targets / targets.sum(1, keepdim=True)
