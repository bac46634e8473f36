"""A trained network on shifted test images: corrupted, occluded, cropped; what it predicts and how novel they look to it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.corruptions import CORRUPTIONS
from softcifar.corruptions.cover import crop, occlude
from softcifar.data.splits import Split, load_corrupted, spaced
from softcifar.methods.prediction import describe, passes, predictive_log_probs, to_pixels
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Shifts
from softcifar.scores import FEATURE_SCORES
from softcifar.seeding import derive


def conditions(settings: Shifts, corrupted: Iterable[str] = ()) -> list[tuple[str, float]]:
    """(shift, level) of every condition, the first ("none", 0): a corruption's severity, the covered or the visible share.

    corrupted: names of corruptions that published files hold.
    """
    shifted = [(name, float(severity)) for name in [*settings.corruptions, *corrupted] for severity in settings.severities]
    shifted += [("occlusion", share) for share in settings.covered]
    shifted += [("crop", share) for share in settings.visible]
    return [("none", 0.0), *shifted] if shifted else []


def shifted(
    images: np.ndarray, shift: str, level: float, *, fill: Sequence[float], device: torch.device, batch_size: int, seed: int
) -> np.ndarray:
    """Images uint8 (N, H, W, C) under one condition, computed on `device` and rounded to uint8 again.

    fill: colour (C,) in [0, 1] of what is hidden. The draws depend on seed, shift, level and the place of the batch alone, so
    every network meets the same images.
    """
    if shift == "none":
        return images
    functions = {"occlusion": occlude, "crop": crop}
    made = []
    for start in range(0, len(images), batch_size):
        pixels = to_pixels(torch.as_tensor(images[start : start + batch_size]).to(device))
        generator = torch.Generator(device).manual_seed(derive(seed, "shift", shift, level, start // batch_size))
        if shift in functions:
            moved = functions[shift](pixels, level, generator, torch.tensor(fill))
        else:
            moved = CORRUPTIONS[shift](pixels, int(level), generator)
        made.append((255 * moved).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(made)


def under_shift(
    network: nn.Module,
    known: np.ndarray,
    train: Split,
    test: Split,
    method: Chosen,
    settings: Shifts,
    corrupted: Mapping[str, Path],
    *,
    split: int = 0,
    fill: Sequence[float],
    batch_size: int,
    images_seed: int,
    seed: int,
) -> tuple[dict[str, np.ndarray], int]:
    """What one network predicts under every condition of the settings, and the cost in forward passes of one image.

    known: features (N, D) of the training images; corrupted: files of the test images under published corruptions, by
    name: images uint8 (5, N, H, W, C) by severity, of which those of `split` are taken; fill: as for `shifted`; images_seed:
    decides the shifted images, seed: the draws of a stochastic method. Returns {shift: names (C,); level: float64 (C,); index:
    positions of the test images int64 (M,); log_probs: float32 (C, M, K), of the mean probability over samples; names: of
    novelty scores (S,), densities and the method's own; scores: float64 (C, S, M)}, and nothing where the settings name no
    condition.
    """
    listed = conditions(settings, corrupted)
    if not listed:
        return {}, 0
    device = next(network.parameters()).device
    index = spaced(len(test.labels), settings.images)
    log_probs, features, own = [], [], []
    for shift, level in listed:
        if shift in corrupted:
            images = load_corrupted(corrupted[shift], split, int(level))[index]
        else:
            images = shifted(
                test.images[index], shift, level, fill=fill, device=device, batch_size=batch_size, seed=images_seed
            )
        draws = derive(seed, "shifts", shift, level)
        logits, seen, scores = describe(network, images, method, batch_size=batch_size, seed=draws)
        log_probs.append(predictive_log_probs(torch.as_tensor(logits)).numpy())
        features.append(seen)
        own.append(scores)
    # One fit of a density serves all conditions.
    flat = {name: density(known, train.labels, np.concatenate(features)) for name, density in FEATURE_SCORES.items()}
    flat |= {name: np.concatenate([each[name] for each in own]).astype(np.float64) for name in own[0]}
    arrays = {
        "shift": np.array([shift for shift, _ in listed]),
        "level": np.array([level for _, level in listed]),
        "index": index,
        "log_probs": np.stack(log_probs),
        "names": np.array(list(flat)),
        "scores": np.stack(list(flat.values())).reshape(len(flat), len(listed), -1).swapaxes(0, 1),
    }
    return arrays, len(listed) * len(index) * passes(method)
