"""Test-time averaging: the mean logits of mirrored and shifted copies of an image (Krizhevsky et al. 2012; Jordan 2024)."""

from typing import Literal

import torch
from torch import nn

from softcifar.methods.method import UncertaintyMethod


class TestTimeAveraging(UncertaintyMethod):
    """Views 'mirror': the image and its mirror image. 'mirror_shift': half the weight for these two, the other half for both of
    the image shifted by a pixel up and left, and down and right, its edge mirrored, as in airbench.

    Training is the plain network's, so a student with this method shares its weights.
    """

    title = "Test-time averaging"
    __test__ = False  # no test of pytest's

    def __init__(self, *, views: Literal["mirror", "mirror_shift"] = "mirror_shift") -> None:
        self.views = views
        self.passes = 2 if views == "mirror" else 6

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        logits = _with_mirror(classifier, pixels)
        if self.views == "mirror_shift":
            padded = _reflected(_reflected(pixels, 2), 3)
            shifted = (padded[:, :, :-2, :-2], padded[:, :, 2:, 2:])
            logits = logits / 2 + sum(_with_mirror(classifier, each) for each in shifted) / 4
        return logits[None]


def _reflected(pixels: torch.Tensor, axis: int) -> torch.Tensor:
    """A pixel more at both ends of an axis, as F.pad has it, whose gradient on a GPU would be a sum in no fixed order."""
    size = pixels.shape[axis]
    return torch.cat([pixels.narrow(axis, 1, 1), pixels, pixels.narrow(axis, size - 2, 1)], axis)


def _with_mirror(classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    return (classifier(pixels) + classifier(pixels.flip(3))) / 2
