"""Teachers of one data set: every training point gets logits from a network that did not learn from it."""

import numpy as np
import torch

from softcifar.calibrators.temperature import fit_temperature
from softcifar.labels.one_hot import hard
from softcifar.seeding import derive
from softcifar.simulation.methods import TeacherLogits
from softcifar.simulation.networks import initial, logits
from softcifar.simulation.training import Schedule, train
from softcifar.training.crossfit import fold_of


def teach(
    points: torch.Tensor,
    labels: np.ndarray,
    classes: int,
    validation: tuple[torch.Tensor, torch.Tensor],
    *,
    folds: int,
    sizes: list[int],
    schedule: Schedule,
    init: int,
    order: int,
    fold_seed: int,
) -> TeacherLogits:
    """Teach (N, features) points with labels (N,); sizes: units per layer, as in `initial`.

    folds: stratified, drawn from fold_seed. With folds 1 the one teacher sees every point (the published way), and its
    temperature is fitted on validation, (points, labels); otherwise on the logits of the points held out.
    """
    fold = fold_of(labels, folds, fold_seed)
    seen = [np.flatnonzero((fold != number) | (folds == 1)) for number in range(folds)]
    taught = np.empty((len(labels), classes), dtype=np.float32)
    for size in sorted({len(rows) for rows in seen}):  # folds of one size are trained side by side
        numbers = [number for number in range(folds) if len(seen[number]) == size]
        rows = torch.from_numpy(np.stack([seen[number] for number in numbers]))
        known = torch.from_numpy(labels)[rows]
        wanted = torch.from_numpy(hard(labels, classes).astype(np.float32))[rows]
        stack = initial([derive(init, "teacher", number) for number in numbers], sizes)
        orders = [derive(order, "teacher", number) for number in numbers]
        trained = train(stack, points[rows], known, wanted, *validation, schedule, orders)
        for place, number in enumerate(numbers):
            held_out = np.flatnonzero(fold == number)
            taught[held_out] = logits(trained.stack.pick(torch.tensor([place])), points[held_out])[0].numpy()
    if folds > 1:
        return TeacherLogits(taught, fit_temperature(taught[None], labels))
    on_validation = logits(trained.stack, validation[0]).numpy()
    return TeacherLogits(taught, fit_temperature(on_validation, validation[1].numpy()))
