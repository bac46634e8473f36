"""Scores of novelty that a study names, from features of trained networks; apart from `evaluate`, which need not run again."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.data.splits import Split
from softcifar.errors import UserError
from softcifar.execution import Progress, run_here
from softcifar.execution.device import pick
from softcifar.files import atomic_folder, read_json, write_npz
from softcifar.methods.prediction import penultimate, to_pixels
from softcifar.params.chosen import Chosen
from softcifar.progress import bar
from softcifar.scores import NAMED_SCORES
from softcifar.scores.inputs import scored
from softcifar.training.trained import load_classifier


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What all runs of a student share."""

    name: str
    scores: Sequence[Chosen]
    network: Chosen
    trained: Chosen  # the uncertainty method, as far as training goes
    train: Split
    sets: Mapping[str, np.ndarray]  # images
    manifest: dict
    models: Path
    batch_size: int


def score_novelty(
    name: str,
    scores: Sequence[Chosen],
    runs: int,
    *,
    train: Split,
    sets: Mapping[str, np.ndarray],
    manifest: dict,
    models: Path,
    batch_size: int,
    out: Path,
) -> None:
    """Write `out`/novelty.npz: names of scores, and for each of the sets float64 (runs, names, N).

    scores: keys of softcifar.scores.NAMED_SCORES with their options, fitted for each run on the features of the training images
    as they are; those that need a linear last layer only for networks that have one. sets: {"test" or "ood_<set>": images
    uint8 (N, H, W, C)}; models: the student's trained folder for this split, with a network per run. UserError, naming the
    score, the student and the run, where a score cannot be computed.
    """
    about = read_json(models / "about.json")
    network, trained = Chosen(**about["network"]), Chosen(**about["method"])  # tuned options resolved
    shared = Scoring(
        name=name,
        scores=scores,
        network=network,
        trained=trained,
        train=train,
        sets=sets,
        manifest=manifest,
        models=models,
        batch_size=batch_size,
    )
    with bar(total=runs * (1 + len(sets) + len(scores)), what=f"novelty {name}", unit="step") as shown:
        found = run_here(functools.partial(_of_run, shared), range(runs), progress=lambda: shown.update())
    with atomic_folder(out) as folder:
        arrays = {each: np.stack([run[each] for run in found]) for each in sets}
        write_npz(folder / "novelty.npz", names=np.array([score.name for score in scores]), **arrays)


def _of_run(shared: Scoring, run: int, report: Progress) -> dict[str, np.ndarray]:
    """{set: float64 (names, N)} of one run: one fit of a score serves all sets."""
    network = load_classifier(shared.models / f"run_{run}.safetensors", shared.network, shared.manifest, pick(), shared.trained)
    given = {"train": penultimate(network, shared.train.images, batch_size=shared.batch_size), "labels": shared.train.labels}
    report()
    features = []
    for images in shared.sets.values():
        features.append(penultimate(network, images, batch_size=shared.batch_size))
        report()
    given["features"] = np.concatenate(features)
    given["perturbed"] = functools.partial(perturbed, network, shared.sets.values(), shared.batch_size)
    if isinstance(network.network.head, nn.Linear):
        given["weight"], given["bias"] = linear_layer(network.network.head)
    values = []
    for score in shared.scores:
        try:
            values.append(scored(NAMED_SCORES[score.name], given, score.options))
        except UserError as error:
            raise UserError(f"novelty.scores.{score.name}: of run {run} of {shared.name}: {error}") from None
        report()
    ends = np.cumsum([len(each) for each in features])[:-1]
    return dict(zip(shared.sets, np.split(np.stack(values), ends, axis=1), strict=True))


@torch.inference_mode()
def linear_layer(head: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    """Weight float32 (K, D) and bias (K,) of what a linear layer computes, with the factor that it may have for its output."""
    width, device = head.in_features, head.weight.device
    bias = head(torch.zeros(1, width, device=device))
    columns = head(torch.eye(width, device=device)) - bias
    return columns.T.cpu().numpy(), bias[0].cpu().numpy()


def perturbed(
    network: nn.Module,
    sets: Iterable[np.ndarray],
    batch_size: int,
    distance: Callable[[torch.Tensor], torch.Tensor],
    step: float,
) -> np.ndarray:
    """Features float32 (N, D) of all images x of the sets, uint8 (N, H, W, C), at x - step sign(grad_x distance(features(x))).

    step: a share of the pixel range; pixels may leave [0, 1] by as much. distance: features (B, D) to (B,), one image's by its
    own features alone.
    """
    device, found = next(network.parameters()).device, []
    network.eval()
    for images in sets:
        for batch in torch.as_tensor(images).split(batch_size):
            pixels = to_pixels(batch.to(device)).requires_grad_()
            with torch.enable_grad():
                (gradient,) = torch.autograd.grad(distance(network.features(pixels)).sum(), pixels)
            with torch.no_grad():
                found.append(network.features(pixels - step * gradient.sign()).float().cpu())
    return torch.cat(found).numpy()
