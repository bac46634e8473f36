"""Mahalanobis distance after a small step of the image towards its nearest class (Lee et al. 2018, section 2.2)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Gt, Le

from softcifar.scores.gaussian import checked, factor, oas
from softcifar.scores.mahalanobis import mahalanobis

if TYPE_CHECKING:
    import torch


def mahalanobis_perturbed(
    train: object, labels: object, perturbed: Callable, *, eps_255: Annotated[float, Gt(0), Le(255)]
) -> np.ndarray:
    """`mahalanobis` of x - eps sign(grad_x d), d the distance of x; float64 (M,), higher = more novel.

    Lee et al. 2018 (NeurIPS), eq. 3, without the sign: a step towards the nearest class shortens the distance of known images
    more than that of novel ones. train (N, D), labels (N,) as in `mahalanobis`, whose class means and covariance serve both
    the step and the distance after it; perturbed: see softcifar.scores.inputs. eps_255: the step of every pixel, in 1/255 of
    the pixel range; pixels may leave that range by as much. The paper chooses it among 0 to .01 of the range (2.55 here) on
    novel images, or adversarial ones, so it has no default. Penultimate features only. UserError as in `mahalanobis`.
    """
    import torch  # here, because the report knows all scores and does without it

    train, labels, _ = checked(train, labels, train)
    classes, place = np.unique(labels, return_inverse=True)
    means = np.stack([train[labels == number].mean(axis=0) for number in classes])
    covariance, _ = oas(train - means[place])
    lower = torch.from_numpy(factor(covariance, "training images"))
    middles = torch.linalg.solve_triangular(lower, torch.from_numpy(means).T, upper=False).T  # (K, D), where S is the identity

    def distance(features: "torch.Tensor") -> "torch.Tensor":
        white = torch.linalg.solve_triangular(lower.to(features.device), features.double().T, upper=False).T
        nearest = torch.cdist(white.detach(), middles.to(features.device)).argmin(dim=1)
        return (white - middles.to(features.device)[nearest]).square().sum(dim=1)

    return mahalanobis(train, labels, perturbed(distance, eps_255 / 255))
