"""Training many small networks side by side: Adam, probability targets, early stopping for each of them.

All networks of a stack start together, so they share Adam's step count; one that stops leaves the stack, and what is left goes
on without it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from softcifar.errors import UserError
from softcifar.seeding import derive
from softcifar.simulation.networks import Stack, activations, gradients
from softcifar.training.adam import BETA1, BETA2, EPSILON

Online = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # (labels (B,), logits (B, K), seed) -> targets (B, K)
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (logits (B, K), targets (B, K)) -> their mean loss


@dataclass(frozen=True)
class Schedule:
    """lr: Adam's; epochs: at most; patience: epochs without a lower validation NLL before a network stops."""

    lr: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int


@dataclass(frozen=True)
class Trained:
    """M trained networks with the weights of their best epoch, lowest in validation NLL.

    validation_nll: float64 (M,) at that epoch; best_epoch, epochs: int64 (M,), counted from 1.
    """

    stack: Stack
    validation_nll: np.ndarray
    best_epoch: np.ndarray
    epochs: np.ndarray


def train(
    stack: Stack,
    points: torch.Tensor,
    labels: torch.Tensor,
    targets: torch.Tensor,
    validation_points: torch.Tensor,
    validation_labels: torch.Tensor,
    schedule: Schedule,
    orders: list[int],
    online: Mapping[int, Online] | None = None,
    losses: Mapping[int, Loss] | None = None,
) -> Trained:
    """Train every network of the stack on targets of its own.

    points (M, N, features), labels (M, N), targets (M, N, K) probabilities; validation_points (V, features) and
    validation_labels (V,) are shared. orders: M seeds of the order of the batches; networks with the same one see the same
    batches. online: {network: how it makes its targets from the labels and its own logits, batch by batch}, with a seed
    per step derived from its order; no gradient goes through them. losses: {network: its loss}, cross-entropy for the others.
    The last batch of an epoch may be smaller.
    UserError where a network's validation loss is no longer finite.
    """
    online, losses = online or {}, losses or {}
    count, size = labels.shape
    stack, targets = stack.pick(torch.arange(count)), targets.clone()  # changed in place below
    best, best_nll = stack.pick(torch.arange(count)), np.full(count, np.inf)
    best_epoch, epochs = np.zeros(count, np.int64), np.zeros(count, np.int64)
    alive = np.arange(count)
    moments = [[torch.zeros_like(tensor) for tensor in stack.tensors] for _ in range(2)]
    steps = 0
    for epoch in range(1, schedule.epochs + 1):
        for rows in _batches([orders[number] for number in alive], epoch, size, schedule.batch_size):
            steps += 1
            inputs, wanted = (points, targets) if rows is None else (_rows(points, rows), _rows(targets, rows))
            layers = activations(stack, inputs)
            for place, number in enumerate(alive):
                if number in online and layers[-1][place].isfinite().all():  # otherwise diverged, which is said below
                    batch = labels[place] if rows is None else labels[place, rows[place]]
                    seed = derive(orders[number], "labels", steps)
                    made = online[number](batch.numpy(), layers[-1][place].numpy(), seed)
                    wanted[place] = torch.from_numpy(made)
            slope = (layers[-1].softmax(dim=2) - wanted) / wanted.shape[1]  # cross-entropy's
            for place, number in enumerate(alive):
                if number in losses:
                    slope[place] = _slope(losses[number], layers[-1][place], wanted[place])
            _adam(stack.tensors, gradients(stack, slope, layers), *moments, steps, schedule)
        nll = _nll(stack, validation_points, validation_labels)
        if not np.isfinite(nll).all():
            raise UserError(
                f"lr: a network's validation loss is no longer finite in epoch {epoch} with lr {schedule.lr}; "
                "allowed: a lower learning rate"
            )
        better = nll < best_nll[alive]
        best_nll[alive[better]], best_epoch[alive[better]], epochs[alive] = nll[better], epoch, epoch
        _keep(best, stack, alive[better], better)
        stays = epoch - best_epoch[alive] < schedule.patience
        if not stays.any():
            break
        if not stays.all():
            chosen = torch.from_numpy(stays)
            alive, stack = alive[stays], stack.pick(chosen)
            points, labels, targets = points[chosen], labels[chosen], targets[chosen]
            moments = [[tensor[chosen] for tensor in some] for some in moments]
    return Trained(best, best_nll, best_epoch, epochs)


def _slope(loss: Loss, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Of a network's loss with respect to its logits (B, K)."""
    logits = logits.clone().requires_grad_()
    return torch.autograd.grad(loss(logits, targets), logits)[0]


def _batches(orders: list[int], epoch: int, size: int, batch_size: int) -> list[torch.Tensor | None]:
    """The rows (M, B) of every batch of an epoch; None: all rows as they are, where one batch holds everything."""
    if batch_size >= size:
        return [None]
    of = {}
    for order in set(orders):
        generator = torch.Generator().manual_seed(derive(order, "epoch", epoch))
        of[order] = torch.randperm(size, generator=generator)
    return list(torch.stack([of[order] for order in orders]).split(batch_size, dim=1))


def _rows(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """values (M, N, F) at rows (M, B): (M, B, F)."""
    return values.gather(1, rows[..., None].expand(-1, -1, values.shape[2]))


def _adam(
    tensors: list[torch.Tensor],
    slopes: list[torch.Tensor],
    first: list[torch.Tensor],
    second: list[torch.Tensor],
    steps: int,
    schedule: Schedule,
) -> None:
    """One step of softcifar.training.adam, element by element, so that it does not matter how networks are stacked."""
    if schedule.weight_decay:
        slopes = torch._foreach_add(slopes, tensors, alpha=schedule.weight_decay)
    torch._foreach_lerp_(first, slopes, 1 - BETA1)
    torch._foreach_mul_(second, BETA2)
    torch._foreach_addcmul_(second, slopes, slopes, 1 - BETA2)
    scale = torch._foreach_sqrt(second)
    torch._foreach_div_(scale, (1 - BETA2**steps) ** 0.5)
    torch._foreach_add_(scale, EPSILON)
    torch._foreach_addcdiv_(tensors, first, scale, -schedule.lr / (1 - BETA1**steps))


def _nll(stack: Stack, points: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """Mean negative log-likelihood of every network, float64 (M,)."""
    log_probs = activations(stack, points.expand(len(stack), *points.shape))[-1].log_softmax(dim=2)
    return -log_probs.gather(2, labels.expand(len(stack), -1)[..., None]).double().mean(dim=(1, 2)).numpy()


def _keep(best: Stack, stack: Stack, numbers: np.ndarray, better: np.ndarray) -> None:
    """Copy the networks `better` of the stack to the places `numbers` of `best`."""
    if not len(numbers):
        return
    places, chosen = torch.from_numpy(numbers), torch.from_numpy(better)
    for kept, tensor in zip(best.tensors, stack.tensors, strict=True):
        kept[places] = tensor[chosen]
