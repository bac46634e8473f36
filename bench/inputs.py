"""What is trained and measured on: the Soft CIFAR study's recipe and random images of CIFAR's shape."""

from pathlib import Path

import numpy as np
import yaml

from softcifar.params.recipe import Recipe
from softcifar.training.loop import Task

PARAMS = Path(__file__).parents[1] / "studies/cifar10h/params.yaml"
CLASSES = 10
# Means and standard deviations of CIFAR-10's training images, per colour.
MANIFEST = {
    "classes": [str(number) for number in range(CLASSES)],
    "image_shape": [32, 32, 3],
    "mean": [0.491, 0.482, 0.447],
    "std": [0.247, 0.243, 0.262],
}


def written_recipe() -> dict:
    """The recipe of studies/cifar10h/params.yaml as it is written there."""
    return yaml.safe_load(PARAMS.read_text())["recipe"]


def recipe(network: str, batch_size: int, epochs: int, **changes: object) -> Recipe:
    """The Soft CIFAR study's recipe (studies/cifar10h/params.yaml) with another network, batch size and number of epochs."""
    short = {"network": network, "batch_size": batch_size, "epochs": epochs, "warmup": 1}
    return Recipe(**{**written_recipe(), **short, **changes})


def random_images(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(images uint8 (N, 32, 32, 3), soft targets float32 (N, K), labels int64 (N,)); noise, the same for the same seed."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    targets = generator.dirichlet(np.ones(CLASSES), count).astype(np.float32)
    return images, targets, targets.argmax(axis=1)


def random_task(network: str, batch_size: int, count: int, *, validation: int, epochs: int, seed: int) -> Task:
    """Train on `count` random images by that recipe, validating on so many others; weights and order drawn from the seed."""
    images, targets, _ = random_images(count)
    validation_images, _, validation_labels = random_images(validation, seed=1)
    return Task(
        name=f"seed {seed}",
        recipe=recipe(network, batch_size, epochs),
        images=images,
        targets=targets,
        validation_images=validation_images,
        validation_labels=validation_labels,
        manifest=MANIFEST,
        init=seed,
        order=seed,
    )
