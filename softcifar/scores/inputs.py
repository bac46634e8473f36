"""What the scores that a study names work on.

Such a score is a function of some of these inputs, by their names and in this order, with its options as keyword-only
parameters; it returns float64 (M,), higher = more novel:

train     (N, D)  penultimate features of the training images without augmentation
labels    (N,)    their labels
features  (M, D)  those of the images to judge
weight    (K, D)  of the linear last layer: logits are features @ weight.T + bias
bias      (K,)
perturbed a function of (distance, step): the features (M, D) of the images to judge after every pixel moved by step, a share
          of the pixel range, against the sign of the distance's gradient. distance: of features, as tensors (B, D), to one
          number per image (B,), each by the image's own features
"""

import inspect
from collections.abc import Callable, Mapping

import numpy as np

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_floats


def inputs(score: Callable) -> tuple[str, ...]:
    """The names of the inputs that a score works on."""
    parameters = inspect.signature(score).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY)


def needs_linear_layer(score: Callable) -> bool:
    """Whether a score needs a network whose last layer is linear."""
    return "weight" in inputs(score)


def scored(score: Callable, given: Mapping[str, np.ndarray], options: Mapping[str, object]) -> np.ndarray:
    """The score of the images to judge; given: inputs by name. UserError for one that is not given."""
    if missing := [name for name in inputs(score) if name not in given]:
        raise UserError(
            f"found no {' and no '.join(missing)} for it, which a network has whose last layer is linear; allowed: scores that "
            "do without"
        )
    return score(*(given[name] for name in inputs(score)), **options)


def as_features(**arrays: object) -> list[np.ndarray]:
    """Features as float64 (N, D), finite and of one width D, in the order given; UserError, naming the array, where not."""
    made = [as_floats(array, name) for name, array in arrays.items()]
    widths = {array.shape[1:] for array in made}
    if any(array.ndim != 2 or not len(array) for array in made) or len(widths) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(arrays, made, strict=True))
        raise UserError(f"features: shapes {shapes}; (images, D) with one D for all is needed")
    for name, array in zip(arrays, made, strict=True):
        if not np.isfinite(array).all():
            raise UserError(f"{name}: found a value that is not finite; only finite features are allowed")
    return made


def as_layer(weight: object, bias: object, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A linear layer as float64 weight (K, D) and bias (K,), K >= 2; UserError where it does not take features of `width`."""
    weight, bias = as_floats(weight, "weight"), as_floats(bias, "bias")
    if weight.ndim != 2 or weight.shape[1] != width or len(weight) < 2 or bias.shape != weight.shape[:1]:
        raise UserError(f"weight: shapes {weight.shape}, {bias.shape}; (K, {width}), (K,) with K of 2 or more is needed")
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise UserError("weight: found a value that is not finite; only a finite last layer is allowed")
    return weight, bias
