"""ViM, virtual-logit matching: what lies outside the training features' principal space (Wang et al. 2022)."""

import numpy as np
from scipy.special import logsumexp

from softcifar.errors import UserError
from softcifar.params.ranges import PositiveInt
from softcifar.scores.inputs import as_features, as_layer

WIDE, OF_WIDE, OF_OTHERS = 2048, 1000, 512  # the authors' dimensions: 1000 from 2048 features on, else 512
ROUNDING = 1e-10  # of the features' length: a residual below it is none


def vim(train: object, features: object, weight: object, bias: object, *, dimension: PositiveInt | None = None) -> np.ndarray:
    """alpha ||residual(z)|| - logsumexp_k z_k, float64 (M,), of either sign.

    train (N, D), features (M, D), weight (K, D), bias (K,), see softcifar.scores.inputs. Features are taken from the origin u =
    -pinv(W) b, where all logits are as near to 0 as they can be; the residual is what is left of them outside the `dimension`
    directions of the largest training second moments, and alpha scales it so that its mean on the training images is that of
    their largest logit. dimension: null for the authors' rule, see `principal`. The logarithm of the odds of the virtual class
    in the paper's softmax: of the same order, and never saturated. Wang et al. 2022 (CVPR). UserError for
    other shapes, values that are not finite, a dimension that leaves no residual, or training images without any.
    """
    train, features = as_features(train=train, features=features)
    weight, bias = as_layer(weight, bias, train.shape[1])
    width = train.shape[1]
    kept = principal(width) if dimension is None else dimension
    if kept >= width:
        raise UserError(f"dimension: found {kept} with {width} features; allowed: 1 to {width - 1}, fewer than features")
    origin = -np.linalg.pinv(weight) @ bias
    from_origin = train - origin
    _, vectors = np.linalg.eigh(from_origin.T @ from_origin / len(train))  # of rising second moments
    outside = vectors[:, : width - kept]
    residual = np.linalg.norm(from_origin @ outside, axis=1).mean()
    if residual <= ROUNDING * np.linalg.norm(from_origin, axis=1).mean():
        raise UserError(
            f"dimension: found {kept}, and the training images' features lie within as many dimensions; allowed: fewer, so "
            "that something is left outside"
        )
    alpha = (train @ weight.T + bias).max(axis=1).mean() / residual
    logits = features @ weight.T + bias
    return alpha * np.linalg.norm((features - origin) @ outside, axis=1) - logsumexp(logits, axis=1)


def principal(width: int) -> int:
    """The principal space's dimension for so many features: the authors' 1000 or 512; half of 512 or fewer features.

    The authors' networks have no fewer than 768; half is what OpenOOD takes of ResNet-18's 512.
    """
    if width >= WIDE:
        return OF_WIDE
    return OF_OTHERS if width > OF_OTHERS else width // 2
