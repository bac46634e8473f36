"""A network with its input normalisation inside, so that everything outside works on pixels in [0, 1]."""

import torch
from torch import nn

from softcifar.methods import METHODS
from softcifar.models.build import build, takes_covariance
from softcifar.params.chosen import Chosen

PLAIN = Chosen(name="softmax")


class Classifier(nn.Module):
    """Normalise by the train split's mean and std, then the network. Images (B, C, H, W) in [0, 1] to logits (B, K)."""

    def __init__(self, network: nn.Module, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.network.features((images - self.mean) / self.std)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network((images - self.mean) / self.std)


def classifier(network: Chosen, manifest: dict, *, seed: int, method: Chosen = PLAIN) -> Classifier:
    """A fresh classifier for the study that `manifest` describes, its weights drawn from `seed`; on the CPU.

    method: an uncertainty method, whose head replaces the network's where it has one.
    """
    height, _, channels = manifest["image_shape"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classes = len(manifest["classes"])
        covariance = manifest["covariance"] if takes_covariance(network.name) else None
        body = build(network.name, classes, in_channels=channels, image_size=height, covariance=covariance, **network.options)
        head = METHODS[method.name](**method.options).head(body.head.in_features, classes)
        if head is not None:
            body.head = head
    return Classifier(body, manifest["mean"], manifest["std"])
