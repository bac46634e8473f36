"""The published way to train: PIL images, torchvision's transforms one image at a time, a DataLoader, float32, eager, NCHW.

Written for comparison, with what torch and torchvision offer off the shelf: the Soft CIFAR study's transforms
(softcifar.augment.soft_cifar has the same ranges) or the shift and flip usual for CIFAR-10, torch.optim.SGD, cross entropy with
soft targets, torch's default number of threads. The networks are softcifar's own, so that only the way they are trained
differs.
"""

import functools
import sys
from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from bench.inputs import CLASSES, MANIFEST, random_images, written_recipe
from bench.timing import seconds
from softcifar.models.build import build

# Python's default, which a process that was itself started by 'spawn' (bench.apart) would change.
START = "fork" if sys.platform == "linux" else "spawn"


class Pictures(Dataset):
    """Arrays (N, 32, 32, 3) uint8 and targets (N, K), given out as transformed PIL images, one at a time."""

    def __init__(self, images: np.ndarray, targets: np.ndarray, transform: transforms.Compose) -> None:
        self.images, self.targets, self.transform = images, torch.as_tensor(targets), transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.transform(Image.fromarray(self.images[place])), self.targets[place]


def augmented() -> transforms.Compose:
    """The study's training transforms: PIL image to a normalised tensor (3, 32, 32)."""
    return transforms.Compose(
        [
            transforms.ColorJitter(brightness=0.15, contrast=0.15, saturation=0.2, hue=0.15),
            transforms.RandomHorizontalFlip(0.5),
            transforms.RandomRotation(10),
            transforms.RandomResizedCrop(32, scale=(0.8, 1.0), ratio=(0.8, 1.2)),
            plain(),
        ]
    )


def shifted() -> transforms.Compose:
    """The same for a random mirror image, moved by up to 4 pixels: the cheapest augmentation in use for CIFAR-10."""
    return transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomCrop(32, padding=4), plain()])


def plain() -> transforms.Compose:
    """The test images' transforms."""
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(MANIFEST["mean"], MANIFEST["std"])])


TRANSFORMS = {"augmented": augmented, "shifted": shifted}


def loader(
    images: np.ndarray, targets: np.ndarray, batch: int, workers: int, device: torch.device, transform: str = "augmented"
) -> DataLoader:
    """Shuffled batches; `workers` processes that stay between epochs, 0: images are transformed in this one."""
    return DataLoader(
        Pictures(images, targets, TRANSFORMS[transform]()),
        batch_size=batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context=START if workers else None,
        pin_memory=device.type == "cuda",
    )


def sgd(network: nn.Module) -> torch.optim.SGD:
    """With the study's learning rate, momentum and weight decay."""
    study = written_recipe()
    return torch.optim.SGD(network.parameters(), lr=study["lr"], momentum=study["momentum"], weight_decay=study["weight_decay"])


def epoch(
    network: nn.Module, batches: Iterable, optimizer: torch.optim.SGD, device: torch.device, rates: Sequence[float] = ()
) -> None:
    """One pass over the batches. rates: a learning rate per step; without them it stays as it is."""
    network.train()
    for number, (images, targets) in enumerate(batches):
        if rates:
            optimizer.param_groups[0]["lr"] = rates[number]
        images, targets = images.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        optimizer.zero_grad()
        F.cross_entropy(network(images), targets).backward()
        optimizer.step()


def images_per_second(
    network: str, batch: int, count: int, workers: int, device: torch.device, transform: str = "augmented"
) -> float:
    """Over one epoch of `count` random images; the first call for a case prepares and warms up before the measured epoch."""
    model, batches, optimizer = _loop(network, batch, count, workers, device, transform)
    return count / seconds(lambda: epoch(model, batches, optimizer, device), device)


@functools.cache
def _loop(
    network: str, batch: int, count: int, workers: int, device: torch.device, transform: str
) -> tuple[nn.Module, DataLoader, torch.optim.SGD]:
    torch.manual_seed(0)
    images, targets, _ = random_images(count)
    model = build(network, CLASSES).to(device)
    batches, optimizer = loader(images, targets, batch, workers, device, transform), sgd(model)
    if workers:
        for _ in batches:  # starts the workers
            pass
    epoch(model, [(torch.rand(batch, 3, 32, 32), torch.as_tensor(targets[:batch]))], optimizer, device)
    return model, batches, optimizer


def accuracy_after(
    network: str,
    data: dict[str, np.ndarray],
    rates: list[list[float]],
    batch: int,
    workers: int,
    seed: int,
    device: torch.device,
) -> float:
    """Accuracy, 0 to 1, on data["test_images"] after training on data["images"] with data["targets"] from one seed.

    rates: for each epoch, the learning rate of every step.
    """
    torch.manual_seed(seed)
    model = build(network, data["targets"].shape[1]).to(device)
    batches, optimizer = loader(data["images"], data["targets"], batch, workers, device), sgd(model)
    for each in rates:
        epoch(model, batches, optimizer, device, each)
    model.eval()
    test = DataLoader(Pictures(data["test_images"], data["test_labels"], plain()), batch_size=500)
    with torch.inference_mode():
        right = [model(images.to(device)).argmax(dim=1).cpu() == labels for images, labels in test]
    return torch.cat(right).float().mean().item()
