"""Predict once, score many times: everything the report needs of a student, as arrays."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.attacks.fgsm import fgsm
from softcifar.densities import DENSITIES
from softcifar.device import pick
from softcifar.errors import UserError
from softcifar.files import atomic_folder, read_json, read_npz, write_json, write_npz
from softcifar.methods import METHODS
from softcifar.params import Evaluation, Method, Seeds, Student
from softcifar.prediction import penultimate, predict, scores, to_pixels
from softcifar.progress import bar
from softcifar.seeding import derive
from softcifar.splits import Split, load_split
from softcifar.training.trained import load_classifier


def evaluate(
    name: str,
    student: Student,
    seeds: Seeds,
    settings: Evaluation,
    *,
    study: Path,
    ood: dict[str, Path],
    manifest: dict,
    models: Path,
    out: Path,
) -> None:
    """Write `out`: logits.npz, novelty.npz, fgsm.npz, and the training's tables.

    logits.npz: validation, test and ood_<name>, float32 (R, S, N, K). novelty.npz: names of scores (those of
    softcifar.densities, fitted on the training images as they are, then the method's own), and test and ood_<name>, float64
    (R, names, N).
    study: folder with train.npz, validation.npz and test.npz; ood: npz files by name; models: the student's trained folder.
    """
    device = pick()
    about = read_json(models / "about.json")
    chosen, trained = Method(**about["network"]), Method(**about["method"])  # tuned options resolved
    validation, test = load_split(study / "validation.npz"), load_split(study / "test.npz")
    sets = {"validation": validation.images, "test": test.images}
    sets |= {f"ood_{each}": read_npz(path, "images")["images"] for each, path in ood.items()}
    logits: dict[str, list[np.ndarray]] = {each: [] for each in sets}
    novelty: list[dict[str, dict[str, np.ndarray]]] = []
    train = load_split(study / "train.npz")
    attacked = []
    with bar(total=seeds.runs * (len(sets) + 2), what=f"evaluate {name}", unit="set") as shown:
        for run in range(seeds.runs):
            network = load_classifier(models / f"run_{run}.safetensors", chosen, manifest, device, trained)
            for each, images in sets.items():
                seed = derive(seeds.order + run, "evaluate", each)
                logits[each].append(predict(network, images, student.method, batch_size=settings.batch_size, seed=seed))
                if not np.isfinite(logits[each][-1]).all():
                    raise UserError(f"students.{name}: run {run} gives logits that are not finite on {each}")
                shown.update()
            known = {each: images for each, images in sets.items() if each != "validation"}
            novelty.append(_novelty(network, train, known, student.method, settings.batch_size))
            shown.update()
            attacked.append(_attacked(network, test, student.method, settings, seeds.order + run))
            shown.update()
    with atomic_folder(out) as folder:
        write_npz(folder / "logits.npz", **{each: np.stack(runs) for each, runs in logits.items()})
        names = list(next(iter(novelty[0].values())))
        arrays = {each: np.array([[run[each][name] for name in names] for run in novelty]) for each in novelty[0]}
        write_npz(folder / "novelty.npz", names=np.array(names), **arrays)
        write_npz(
            folder / "fgsm.npz",
            eps_255=np.array([0.0, *settings.fgsm_eps_255]),
            index=attacked_images(len(test.labels), settings.fgsm_images),
            log_probs=np.stack(attacked),
        )
        shutil.copyfile(models / "history.csv", folder / "history.csv")
        write_json(folder / "about.json", about)


def _novelty(
    network: nn.Module, train: Split, sets: dict[str, np.ndarray], method: Method, batch_size: int
) -> dict[str, dict[str, np.ndarray]]:
    """{set: {score: float64 (N,)}} of one run: densities of its features, then the method's own scores."""
    known = penultimate(network, train.images, batch_size=batch_size)
    found = {}
    for each, images in sets.items():
        features = penultimate(network, images, batch_size=batch_size)
        found[each] = {name: density(known, train.labels, features) for name, density in DENSITIES.items()}
        own = scores(network, images, method, batch_size=batch_size)
        found[each] |= {name: values.astype(np.float64) for name, values in own.items()}
    return found


def attacked_images(total: int, wanted: int) -> np.ndarray:
    """Positions of at most `wanted` test images, evenly spaced: test images may lie sorted by class. int64 (M,)."""
    return np.linspace(0, total - 1, min(wanted, total)).round().astype(np.int64)


def _attacked(network: nn.Module, test: Split, method: Method, settings: Evaluation, seed: int) -> np.ndarray:
    """log p under FGSM at eps 0 and each eps of the settings, on some test images: float32 (E, M, K)."""
    device = next(network.parameters()).device
    index = attacked_images(len(test.labels), settings.fgsm_images)
    images, labels = torch.as_tensor(test.images[index]), torch.as_tensor(test.labels[index])
    eps = [0.0, *(radius / 255 for radius in settings.fgsm_eps_255)]
    network.requires_grad_(False)
    uncertainty = METHODS[method.name](**method.options)

    def predictor(pixels: torch.Tensor) -> torch.Tensor:
        return uncertainty.predict(network, pixels)

    found = []
    batches: Iterable = zip(images.split(settings.batch_size), labels.split(settings.batch_size), strict=True)
    for number, (batch, wanted) in enumerate(batches):
        torch.manual_seed(derive(seed, "fgsm", number))
        moved = fgsm(predictor, to_pixels(batch.to(device)), wanted.to(device), eps)
        with torch.inference_mode():
            log_probs = [torch.log_softmax(predictor(each).double(), dim=-1) for each in moved]
        means = [each.logsumexp(dim=0) - np.log(len(each)) for each in log_probs]  # mean probability over samples
        found.append(torch.stack(means).float().cpu().numpy())
    return np.concatenate(found, axis=1)
