"""What evaluation costs per image, in forward passes of ResNet-20 over the same images (3x32x32, float32).

Every row is a ratio to the plain forward pass of the same round. An attack's cost includes the prediction for its adversarial
examples, which stage evaluate needs as well; a density is fitted on as many images as it scores, from features computed
before. The images are random and the networks not trained: the cost of all this is the same for any images and weights.
"""

import functools
from collections.abc import Callable

import numpy as np
import torch

from bench.apart import Apart
from bench.inputs import MANIFEST, random_images
from bench.rows import Row, median_row, ratios
from bench.timing import seconds
from softcifar.attacks.fgsm import fgsm
from softcifar.attacks.pgd import pgd
from softcifar.attacks.random_search import random_search
from softcifar.corruptions import CORRUPTIONS
from softcifar.corruptions.cover import crop, occlude
from softcifar.evaluation.adversarial import Target
from softcifar.execution.device import pick, threads
from softcifar.methods.prediction import describe, to_pixels
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.chosen import Chosen
from softcifar.progress import bar
from softcifar.scores import FEATURE_SCORES

NETWORK = "resnet20"
FORWARD = "forward pass"
SEVERITY = 3
RADII = (0.5, 1, 2, 4, 8)  # in 1/255, of FGSM
RADIUS = 8 / 255  # of PGD and random search
SAMPLES, STEPS, QUERIES = 10, 10, 20

Batches = tuple[torch.Tensor, ...]


def measure(quick: bool, _: Apart) -> list[Row]:
    images, batch, rounds = (32, 32, 1) if quick else (500, 250, 3)
    device = pick()
    tasks = _tasks(images, batch, device)
    times: dict[str, list[float]] = {name: [] for name in tasks}
    with bar(total=rounds * len(tasks), what="bench evaluation", unit="run") as shown:
        tasks[FORWARD][1]()  # warm up
        for _ in range(rounds):
            for name, (_, function) in tasks.items():
                times[name].append(seconds(function, device) / images)
                shown.update()
    where = {"device": device.type, "precision": "float32", "threads": threads(), "workers": 1}
    rows = [median_row(FORWARD, NETWORK, [1e6 * each for each in times[FORWARD]], "us/image", **where)]
    for name, (case, _) in tasks.items():
        if name != FORWARD:
            per = len(RADII) if name == "fgsm, per radius" else 1
            costs = [each / per for each in ratios(times[name], times[FORWARD])]
            rows.append(median_row(name, case, costs, "forward passes", **where))
    return rows


def _tasks(count: int, batch: int, device: torch.device) -> dict[str, tuple[str, Callable[[], object]]]:
    """{name: (case, what is timed)}, each over all images in batches."""
    images, _, labels = random_images(count)
    batches = to_pixels(torch.as_tensor(images).to(device)).split(batch)
    wanted = torch.as_tensor(labels).to(device).split(batch)
    generator = torch.Generator(device).manual_seed(0)
    network = _network(PLAIN, device)

    @torch.inference_mode()
    def forward() -> None:
        for pixels in batches:
            network(pixels)

    tasks = {FORWARD: (NETWORK, forward)}
    methods = {
        "softmax": (PLAIN, "features and logits"),
        "mc_dropout": (Chosen(name="mc_dropout", options={"samples": SAMPLES}), f"{SAMPLES} samples, and features"),
        "sngp": (Chosen(name="sngp"), "features, logits and variance"),
        "duq": (Chosen(name="duq"), "features, logits and kernel"),
    }
    for name, (method, case) in methods.items():
        own = _network(method, device, dropout=0.1 if name == "mc_dropout" else 0.0)
        work = functools.partial(describe, own, images, method, batch_size=batch, seed=0)
        tasks[f"predict, {name}"] = case, work
    features = np.random.default_rng(0).normal(size=(2, count, network.network.head.in_features))
    for name, density in FEATURE_SCORES.items():
        tasks[f"density, {name}"] = (
            f"fit on {count}, score {count}",
            functools.partial(density, features[0], labels, features[1]),
        )
    target = Target(network, PLAIN)

    def attack(moved: Callable[[torch.Tensor, torch.Tensor], list[torch.Tensor]]) -> Callable[[], None]:
        def run() -> None:
            for pixels, own in zip(batches, wanted, strict=True):
                for each in moved(pixels, own):
                    target.log_probs(each)

        return run

    radii = [radius / 255 for radius in RADII]
    tasks["fgsm, per radius"] = f"{len(radii)} radii", attack(lambda pixels, own: fgsm(target, pixels, own, radii))
    tasks["pgd"] = (
        f"{STEPS} steps, 1 radius",
        attack(lambda pixels, own: [pgd(target, pixels, own, RADIUS, generator=generator, steps=STEPS)]),
    )
    tasks["random search"] = (
        f"{QUERIES} queries, 1 radius",
        attack(lambda pixels, own: [random_search(target, pixels, own, RADIUS, generator=generator, queries=QUERIES)]),
    )
    fill = torch.tensor(MANIFEST["mean"])
    for name, cover in (("occlusion", occlude), ("crop", crop)):
        tasks[name] = "share 0.5", _moving(functools.partial(_covered, cover, generator, fill), batches)
    for name, corruption in CORRUPTIONS.items():
        tasks[f"corruption, {name}"] = (
            f"severity {SEVERITY}",
            _moving(functools.partial(_corrupted, corruption, generator), batches),
        )
    return tasks


def _network(method: Chosen, device: torch.device, dropout: float = 0.0) -> torch.nn.Module:
    made = classifier(Chosen(name=NETWORK, options={"dropout": dropout}), MANIFEST, seed=0, method=method)
    return made.to(device, memory_format=torch.channels_last).eval()


def _moving(function: Callable[[torch.Tensor], object], batches: Batches) -> Callable[[], None]:
    @torch.inference_mode()
    def run() -> None:
        for pixels in batches:
            function(pixels)

    return run


def _covered(cover: Callable, generator: torch.Generator, fill: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    return cover(pixels, 0.5, generator, fill)


def _corrupted(corruption: Callable, generator: torch.Generator, pixels: torch.Tensor) -> torch.Tensor:
    return corruption(pixels, SEVERITY, generator)
