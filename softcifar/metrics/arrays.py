"""What every metric does first: turn arrays or tensors into float64 and refuse invalid values."""

import operator

import numpy as np

from softcifar.errors import UserError

# Rows of bfloat16 or float16 probabilities sum to 1 only roughly; logits, votes and percentages are off by far more.
SUM_TOLERANCE = 0.01


def as_array(values: object, name: str) -> np.ndarray:
    """NumPy view or copy of an array, a (nested) list or a tensor on any device, with or without gradient.

    Tensors are known by their methods, so that torch (3 s to import) is not needed where there are none.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        # NumPy has no bfloat16; float64 holds every floating type without loss.
        values = values.double() if values.is_floating_point() else values
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # ragged lists
        raise UserError(f"{name}: rows of different lengths or no numbers; a regular array is allowed") from None
    if array.dtype.kind not in "fiub":
        raise UserError(f"{name}: holds {array.dtype} values; real numbers are allowed")
    return array


def as_floats(values: object, name: str) -> np.ndarray:
    return as_array(values, name).astype(np.float64, copy=False)


def as_probs(values: object, name: str = "probs") -> np.ndarray:
    """float64 (..., K): at least one row, K >= 2, entries in [0, 1], rows that sum to 1 within SUM_TOLERANCE."""
    probs = as_floats(values, name)
    if probs.ndim < 1 or probs.size == 0 or probs.shape[-1] < 2:
        raise UserError(f"{name}: shape {probs.shape}; at least one row of K >= 2 probabilities is allowed")
    low, high = probs.min(), probs.max()
    if not (low >= 0 and high <= 1 + SUM_TOLERANCE):  # also true for NaN
        raise UserError(f"{name}: values from {low:.6g} to {high:.6g}; probabilities in [0, 1] are allowed (not logits)")
    sums = probs.sum(axis=-1)
    worst = sums.flat[np.abs(sums - 1).argmax()]
    if abs(worst - 1) > SUM_TOLERANCE:
        raise UserError(f"{name}: a row sums to {worst:.6g}; every row must sum to 1")
    return probs


def as_probs_table(values: object, name: str = "probs") -> np.ndarray:
    """float64 (N, K) with the properties of `as_probs`."""
    probs = as_probs(values, name)
    if probs.ndim != 2:
        raise UserError(f"{name}: shape {probs.shape}; (N, K) is allowed, one row per image")
    return probs


def as_labels(values: object, count: int, classes: int) -> np.ndarray:
    """int64 (count,) of class numbers 0 to classes - 1."""
    labels = as_array(values, "labels")
    if labels.shape != (count,):
        raise UserError(f"labels: shape {labels.shape}; ({count},) is allowed, one class number per row of the predictions")
    if labels.dtype.kind not in "iu":
        raise UserError(f"labels: holds {labels.dtype} values; integers from 0 to {classes - 1} are allowed")
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"labels: values from {labels.min()} to {labels.max()}; 0 to {classes - 1} are allowed")
    return labels.astype(np.int64, copy=False)


def as_probs_and_labels(probs: object, labels: object) -> tuple[np.ndarray, np.ndarray]:
    probs = as_probs_table(probs)
    return probs, as_labels(labels, *probs.shape)


def as_probs_pair(probs: object, target_probs: object) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and target distributions, float64, both (N, K)."""
    probs, target_probs = as_probs_table(probs), as_probs_table(target_probs, "target_probs")
    if probs.shape != target_probs.shape:
        raise UserError(f"target_probs: shape {target_probs.shape}; the shape of probs, {probs.shape}, is allowed")
    return probs, target_probs


def as_logits(values: object) -> np.ndarray:
    """float64 (..., S, N, K): finite, at least one sample S, one image N and K >= 2 classes."""
    logits = as_floats(values, "logits")
    if logits.ndim < 3 or logits.size == 0 or logits.shape[-1] < 2:
        raise UserError(
            f"logits: shape {logits.shape}; (..., S, N, K) is allowed, with S samples (1 for a deterministic network), "
            "N images and K >= 2 classes"
        )
    if not np.isfinite(logits).all():
        raise UserError("logits: NaN or infinite values found; finite numbers are allowed")
    return logits


def as_count(value: object, name: str) -> int:
    """A whole number >= 1."""
    try:
        count = operator.index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise UserError(f"{name}: {value!r} found; a whole number >= 1 is allowed")
    return count
