"""What every label source shares: its inputs, their checks, and the kind of array it gives back.

A source is a function of some of `labels` (N,), `num_classes`, `votes` (N, K), `soft_labels` (N, K), `teacher_logits` (N, K),
`calibrated_logits` (N, K), `student_logits` (N, K) and `seed`, in that order, with its options as keyword-only parameters; it
returns float64 probabilities (N, K), each row non-negative with sum 1. `soft_labels` are those that single people gave, rows of
zeros where nobody was asked. `calibrated_logits` are the teacher's divided by its fitted temperature;
so are `teacher_logits` where params say `calibrated: true`, which they may not beside a source of both. One that needs
`student_logits` is online: it is called for every batch of the training, with the logits of the network that learns, and no
gradient goes through what it returns. `seed` is for sources that draw.
Arrays give an array, tensors give a tensor on the same device.
"""

import functools
import inspect
from collections.abc import Callable

import numpy as np

from softcifar.errors import UserError
from softcifar.params.options import require

NUMBERS = ("num_classes", "seed")  # inputs that are one integer; the others are arrays with one row per image


def inputs(source: Callable) -> tuple[str, ...]:
    """What a source works on: the names of some of those above."""
    parameters = inspect.signature(source).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY)


def is_taught(source: Callable) -> bool:
    """Whether a source needs a teacher."""
    return not {"teacher_logits", "calibrated_logits"}.isdisjoint(inputs(source))


def refuse_calibrated(name: str, source: Callable) -> None:
    """ValueError where the key `calibrated` of params says nothing to this source."""
    if not is_taught(source):
        raise ValueError(f"calibrated: source '{name}' uses no teacher; remove this key")
    if "calibrated_logits" in inputs(source):
        raise ValueError(f"calibrated: source '{name}' takes its mass from the calibrated teacher anyway; remove this key")


def of_teacher(logits: np.ndarray, temperature: float, *, calibrated: bool) -> dict[str, np.ndarray]:
    """The inputs that come from a teacher, of its logits (N, K) and its fitted temperature; calibrated: the key of params."""
    scaled = logits / temperature
    return {"teacher_logits": scaled if calibrated else logits, "calibrated_logits": scaled}


def on_arrays(source: Callable) -> Callable:
    """Let a source written for NumPy arrays take tensors too: checks its inputs and returns the kind it was given.

    The source itself receives its tables as float64, of whatever numbers they were.
    """
    names = inputs(source)

    @functools.wraps(source)
    def checked(*given: object, **options: object) -> object:
        bound = inspect.signature(source).bind(*given, **options)
        arrays = {name: _array(bound.arguments[name]) for name in names if name not in NUMBERS}
        numbers = {name: _integer(name, bound.arguments[name]) for name in names if name in NUMBERS}
        _check(arrays, numbers.get("num_classes", _classes(arrays)))
        tables = {name: values.astype(np.float64, copy=False) for name, values in arrays.items() if name != "labels"}
        probs = source(**{**bound.arguments, **arrays, **tables, **numbers})
        like = bound.arguments[names[0]]
        # A tensor is recognised without importing torch, which costs seconds where only arrays are used.
        if hasattr(like, "new_tensor"):
            import torch

            return torch.as_tensor(probs, device=like.device)
        return probs

    return checked


def spread(epsilon: np.ndarray, labels: np.ndarray, log_weights: np.ndarray) -> np.ndarray:
    """Targets with mass 1 - epsilon on the true class and epsilon over the others in proportion to exp(log_weights).

    epsilon (N,) in [0, 1]; labels (N,); log_weights (N, K), any scale per row, the true class's entry is not used.
    Computed in log space, so it is defined where the true class has all the probability to rounding.
    """
    rows = np.arange(len(labels))
    wrong = log_weights.copy()
    wrong[rows, labels] = -np.inf
    wrong -= wrong.max(axis=1, keepdims=True)
    shares = np.exp(wrong)
    targets = epsilon[:, None] * shares / shares.sum(axis=1, keepdims=True)
    targets[rows, labels] = 1 - epsilon
    return targets


def _array(values: object) -> np.ndarray:
    if hasattr(values, "detach"):  # a tensor; NumPy knows no bfloat16
        values = values.detach().cpu()
        values = values.double() if values.is_floating_point() else values
    return np.asarray(values)


def _integer(name: str, value: object) -> int:
    require(isinstance(value, (int, np.integer)) and value >= 0, name, value, "a non-negative integer")
    return int(value)


def _classes(arrays: dict[str, np.ndarray]) -> int:
    """K of the first table (N, K); 0 where there is none."""
    return next((values.shape[1] for name, values in arrays.items() if name != "labels" and values.ndim == 2), 0)


def _check(arrays: dict[str, np.ndarray], num_classes: int) -> None:
    for name, values in arrays.items():
        if name != "labels" and (values.ndim != 2 or values.dtype.kind not in "iuf"):
            raise UserError(f"{name}: found {values.dtype} of shape {values.shape}; allowed: numbers of shape (N, K)")
    if num_classes < 2:
        raise UserError(f"num_classes: found {num_classes}; allowed: at least 2 classes")
    for name, values in arrays.items():
        if name == "labels":
            if values.ndim != 1 or values.dtype.kind not in "iu":
                raise UserError(f"labels: found {values.dtype} of shape {values.shape}; allowed: integers of shape (N,)")
            if len(values) and not (values.min() >= 0 and values.max() < num_classes):
                raise UserError(f"labels: found values {values.min()} to {values.max()}; allowed: 0 to {num_classes - 1}")
        else:
            length = len(arrays.get("labels", values))
            if values.shape != (length, num_classes):
                raise UserError(f"{name}: found shape {values.shape}; allowed: ({length}, {num_classes})")
            if not np.isfinite(values).all():
                raise UserError(f"{name}: found a value that is not finite; allowed: finite numbers")
            if name == "votes" and ((values < 0).any() or (values.sum(axis=1) <= 0).any()):
                raise UserError("votes: found a negative count or an image without votes; allowed: counts with sum > 0")
