"""One deterministic pass, softmax of the logits."""

import torch
from torch import nn


def softmax(classifier: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """images (B, C, H, W) in [0, 1]; returns logits (1, B, K). The classifier is in evaluation mode."""
    return classifier(images)[None]
