"""Methods with their grids, and the targets that a method makes for the training points of one data set."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from softcifar.labels import LABEL_SOURCES
from softcifar.labels.one_hot import hard
from softcifar.labels.source import inputs, is_taught, of_teacher
from softcifar.losses import LOSSES
from softcifar.params.candidates import grid
from softcifar.params.simulation import SimulatedMethod
from softcifar.simulation.training import Loss, Online


@dataclass(frozen=True)
class TeacherLogits:
    """What the teachers say of the training points of a data set."""

    logits: np.ndarray  # (N, K)
    temperature: float  # fitted on points that they did not see


def candidates(method: SimulatedMethod, budget: int) -> list[dict[str, Any]]:
    """`budget` choices of options: the grid, or, where it has one point, that one again and again."""
    points = grid(method)
    return points if len(points) == budget else points * budget


def needs_teacher(method: SimulatedMethod) -> bool:
    return method.source is not None and is_taught(LABEL_SOURCES[method.source])


def targets(
    method: SimulatedMethod, chosen: dict[str, Any], labels: np.ndarray, classes: int, teacher: TeacherLogits | None
) -> tuple[np.ndarray, Online | None]:
    """The targets (N, K) of one point of the grid; for a source that makes them during training, one-hot and the maker.

    labels (N,): all training points of the data set; teacher: None where no method needs it.
    """
    source = LABEL_SOURCES[method.source]
    options = method.options | {name: value for name, value in chosen.items() if name in method.options}
    names = inputs(source)
    if "student_logits" in names:
        return hard(labels, classes), functools.partial(_online, source, names, options)
    given: dict[str, Any] = {"labels": labels, "num_classes": classes}
    if is_taught(source):
        given |= of_teacher(teacher.logits, teacher.temperature, calibrated=method.calibrated)
    return source(*(given[name] for name in names), **options), None


def loss(method: SimulatedMethod, chosen: dict[str, Any]) -> Loss | None:
    """The loss of one point of the grid; None: cross-entropy."""
    if method.loss is None:
        return None
    options = {name: chosen.get(f"loss.{name}", value) for name, value in method.loss.options.items()}
    return functools.partial(LOSSES[method.loss.name], **options)


def _online(source, names: tuple[str, ...], options: dict, labels: np.ndarray, logits: np.ndarray, seed: int) -> np.ndarray:
    given = {"labels": labels, "num_classes": logits.shape[1], "student_logits": logits, "seed": seed}
    return source(*(given[name] for name in names), **options)
