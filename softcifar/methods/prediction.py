"""Predict once, score many times: logits of a trained classifier on arrays of images."""

import math

import numpy as np
import torch
from torch import nn

from softcifar.methods import METHODS
from softcifar.methods.method import UncertaintyMethod
from softcifar.params.chosen import Chosen
from softcifar.seeding import derive


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, H, W, C) to float32 (B, C, H, W) in [0, 1], channels last in memory."""
    return (images.float() / 255).permute(0, 3, 1, 2)


@torch.inference_mode()
def predict_logits(
    classifier: nn.Module, images: np.ndarray | torch.Tensor, method: Chosen, *, batch_size: int, seed: int
) -> np.ndarray:
    """Logits of every image, in evaluation mode and float32.

    images uint8 (N, H, W, C); `seed` fixes the draws of a stochastic method, batch by batch, whatever ran before.
    Returns float32 (S, N, K); S is 1 for a deterministic method.
    """
    device = next(classifier.parameters()).device
    classifier.eval()
    uncertainty = METHODS[method.name](**method.options)
    images = torch.as_tensor(images)
    batches = []
    for number, batch in enumerate(images.split(batch_size)):
        torch.manual_seed(derive(seed, "predict", number))
        batches.append(uncertainty.predict(classifier, to_pixels(batch.to(device))).float().cpu())
    return torch.cat(batches, dim=1).numpy()


@torch.inference_mode()
def penultimate(classifier: nn.Module, images: np.ndarray | torch.Tensor, *, batch_size: int) -> np.ndarray:
    """Penultimate features of every image, in evaluation mode: uint8 (N, H, W, C) to float32 (N, D)."""
    device = next(classifier.parameters()).device
    classifier.eval()
    batches = torch.as_tensor(images).split(batch_size)
    return torch.cat([classifier.features(to_pixels(batch.to(device))).float().cpu() for batch in batches]).numpy()


@torch.inference_mode()
def describe(
    classifier: nn.Module, images: np.ndarray | torch.Tensor, method: Chosen, *, batch_size: int, seed: int
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """What `predict_logits` and `penultimate` give, in as few passes, and the method's own scores {name: float32 (N,)}.

    A plain network's logits come from its features, in one pass.
    """
    device = next(classifier.parameters()).device
    classifier.eval()
    uncertainty = METHODS[method.name](**method.options)
    logits, features, own = [], [], []
    for number, batch in enumerate(torch.as_tensor(images).split(batch_size)):
        pixels = to_pixels(batch.to(device))
        seen = classifier.features(pixels)
        if _plain(uncertainty):
            predicted = classifier.network.head(seen)[None]
        else:
            torch.manual_seed(derive(seed, "predict", number))
            predicted = uncertainty.predict(classifier, pixels)
        logits.append(predicted.float().cpu())
        features.append(seen.float().cpu())
        own.append({name: each.float().cpu() for name, each in uncertainty.scores(classifier, pixels).items()})
    joined = {name: torch.cat([each[name] for each in own]).numpy() for name in own[0]}
    return torch.cat(logits, dim=1).numpy(), torch.cat(features).numpy(), joined


def passes(method: Chosen) -> int:
    """Forward passes that `describe` spends on an image."""
    uncertainty = METHODS[method.name](**method.options)
    own = type(uncertainty).scores is not UncertaintyMethod.scores
    return 1 + own + (0 if _plain(uncertainty) else uncertainty.passes)


def _plain(uncertainty: UncertaintyMethod) -> bool:
    """Does the method predict by one pass, whose logits are the head of the features?"""
    return type(uncertainty).predict is UncertaintyMethod.predict


def predictive_log_probs(logits: torch.Tensor) -> torch.Tensor:
    """log of the mean probability over samples: logits (S, N, K) to float32 (N, K)."""
    each = torch.log_softmax(logits.double(), dim=-1)
    return (each.logsumexp(dim=0) - math.log(len(each))).float()
