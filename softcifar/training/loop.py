"""Train one network: one run of one student, or one fold of a teacher."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from softcifar.augment.policy import augment
from softcifar.errors import UserError
from softcifar.execution.device import autocast, resolve_precision
from softcifar.losses import LOSSES
from softcifar.methods import METHODS
from softcifar.methods.method import UncertaintyMethod
from softcifar.methods.prediction import predict_logits, to_pixels
from softcifar.metrics.calibration import expected_calibration_error
from softcifar.metrics.likelihood import accuracy, negative_log_likelihood
from softcifar.metrics.predictive import predictive
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.recipe import Recipe
from softcifar.seeding import derive
from softcifar.training.adam import Adam
from softcifar.training.compiled import compiled
from softcifar.training.lookahead import Lookahead
from softcifar.training.schedules import learning_rate
from softcifar.training.sgd import SGD
from softcifar.training.state import State, alone, load_state, reachable, save_state

# (epochs, text, rows of the history)
Told = Callable[[int, str, list[dict]], None]

# (pixels of the batch as the network saw them, logits, targets) -> the loss of every image (B,)
BatchLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclasses.dataclass(frozen=True)
class Task:
    """One network to train. Seeds: `init` for the weights, `order` for batches, augmentation and dropout."""

    name: str  # for messages and the state's file name
    recipe: Recipe  # no lists left in it
    images: np.ndarray  # uint8 (N, H, W, C)
    targets: np.ndarray  # float32 (N, K)
    validation_images: np.ndarray | None  # None: there is no validation, so recipe.checkpoint is "last"
    validation_labels: np.ndarray | None  # int64
    manifest: dict
    init: int
    order: int
    loss: BatchLoss | None = None  # instead of the recipe's
    images_per_epoch: int | None = None  # drawn in an epoch; None: each image once


def train(task: Task, device: torch.device, state_file: Path, progress: Told) -> State:
    """Train to the end, from the saved state where there is one.

    progress(epochs, text, rows) is called after every epoch, with 1, the validation scores and the epoch's row of the history,
    and at first with what the saved state holds. Returns the final state; its `best` holds the weights that recipe.checkpoint
    asks for (on the CPU), with what the uncertainty method fitted to them.
    A finished run is read from its state and not trained again.
    Raises UserError where the loss or a weight is no longer finite. Where another process trains the same network, this one
    waits for it.
    """
    state_file = reachable(state_file)
    with alone(state_file, lambda: progress(0, "waiting for another stage that trains the same network", [])):
        return _train(task, device, state_file, progress)


def _train(task: Task, device: torch.device, state_file: Path, progress: Told) -> State:
    recipe = task.recipe
    state = load_state(state_file)
    if state.epoch:
        progress(recipe.epochs if _finished(state, recipe) else state.epoch, "trained before", state.history)
    if _finished(state, recipe):
        return state
    method = METHODS[recipe.method.name](**recipe.method.options)
    network = classifier(recipe.network, task.manifest, seed=derive(task.init, "init"), method=recipe.method)
    if state.epoch:
        network.load_state_dict(state.weights)
    network.to(device, memory_format=torch.channels_last)
    step = compiled(network, device) if recipe.compile else network
    optimizer = _optimizer(task, network)
    optimizer.load(state.optimizer)
    images = torch.as_tensor(task.images).to(device)
    targets = torch.as_tensor(task.targets).to(device)
    for epoch in range(state.epoch, recipe.epochs):
        train_loss, last_lr = _epoch(network, step, method, optimizer, images, targets, task, epoch, device)
        scores = _validate(network, task)
        if not np.isfinite([train_loss, *scores.values()]).all():
            raise UserError(
                f"{task.name}: the loss is no longer finite in epoch {epoch + 1} at learning rate {last_lr:.4g}; "
                "a lower lr or a longer warmup usually helps"
            )
        row = {"epoch": epoch + 1, "lr": last_lr, "train_loss": train_loss, **scores}
        keep = recipe.checkpoint == "last" or scores["validation_nll"] < _lowest(state)
        state.history.append(row)
        state.epoch = epoch + 1
        state.weights = _on_cpu(network.state_dict())
        state.optimizer = _on_cpu(optimizer.tensors())
        if keep:
            state.best, state.best_epoch = state.weights, epoch + 1
        if finished := _finished(state, recipe):
            network.load_state_dict(state.best)
            state.fitted = _finish(network, method, task)
            state.weights, state.optimizer, state.best = {}, {}, _on_cpu(network.state_dict())
        save_state(state_file, state)
        progress(recipe.epochs - epoch if finished else 1, _told(row), [row])
        if finished:
            break
    return state


def _finished(state: State, recipe: Recipe) -> bool:
    """Whether all epochs are trained, or the validation NLL was not lower for recipe.patience epochs."""
    if recipe.patience is None or not state.history:
        return state.epoch == recipe.epochs
    nll = [row["validation_nll"] for row in state.history]
    return state.epoch == recipe.epochs or state.epoch - 1 - nll.index(min(nll)) >= recipe.patience


def _told(row: dict[str, float]) -> str:
    if "validation_nll" not in row:
        return f"training loss {row['train_loss']:.3f}"
    return f"validation NLL {row['validation_nll']:.3f}, accuracy {row['validation_accuracy']:.3f}"


def _optimizer(task: Task, network: nn.Module) -> SGD | Adam | Lookahead:
    recipe = task.recipe
    shared = {
        "weight_decay": recipe.weight_decay,
        "decoupled": recipe.decoupled,
        "lr_factors": [recipe.norm_bias_lr if name in norm_biases(network) else 1.0 for name, _ in network.named_parameters()],
    }
    if recipe.optimizer == "adam":
        optimizer = Adam(network, **shared)
    else:
        optimizer = SGD(network, momentum=recipe.momentum, nesterov=recipe.nesterov, **shared)
    if recipe.lookahead is None:
        return optimizer
    total = recipe.epochs * -(-_drawn(task) // recipe.batch_size)
    if recipe.lookahead.every > total:
        raise UserError(
            f"{task.name}: lookahead.every: found {recipe.lookahead.every} with {total} steps in all; allowed: at most that"
        )
    return Lookahead(optimizer, network, every=recipe.lookahead.every, decay=recipe.lookahead.decay, total=total)


def _drawn(task: Task) -> int:
    """Images of one epoch."""
    return task.images_per_epoch or len(task.images)


def norm_biases(network: nn.Module) -> set[str]:
    """The names of the biases of all batch norms."""
    norms = (name for name, module in network.named_modules() if isinstance(module, nn.modules.batchnorm._BatchNorm))
    return {f"{name}.bias" for name in norms}


def _recipe_loss(recipe: Recipe) -> BatchLoss:
    loss = LOSSES[recipe.loss.name]
    return lambda _, logits, targets: loss(logits, targets, reduction="none", **recipe.loss.options)


def _epoch(network, step, method, optimizer, images, targets, task, epoch, device) -> tuple[float, float]:
    """One epoch in an order of the images drawn for it; returns the mean loss, weighted, and the last lr."""
    recipe = task.recipe
    seed = derive(task.order, "epoch", epoch)
    generator = torch.Generator(device).manual_seed(seed)
    torch.manual_seed(derive(seed, "dropout"))  # dropout layers draw from the global generator
    precision = resolve_precision(recipe.precision, device)
    loss_of = task.loss or _recipe_loss(recipe)
    order = _order(len(images), _drawn(task), generator)
    turn = (_first_flips(task) ^ bool(epoch % 2)).to(device)
    batches = order.split(recipe.batch_size)
    steps = recipe.augment if epoch < recipe.epochs - recipe.finetune else recipe.finetune_augment
    total = torch.zeros((), dtype=torch.float64, device=device)
    network.train()
    for number, batch in enumerate(batches):
        middle = epoch + (number + 0.5) / len(batches)  # of the step, where no schedule is 0
        lr = learning_rate(recipe, middle, epoch * len(batches) + number)
        pixels, wanted, weights = augment(steps, to_pixels(images[batch]), targets[batch], generator, turn[batch])
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        pixels.requires_grad_(method.input_gradient)
        with autocast(precision, device):
            # The smaller last batch of an epoch is not worth compiling a program of its own.
            logits = (step if len(batch) == recipe.batch_size else network)(pixels)
        loss = (weights * method.loss(network, pixels, logits, wanted, loss_of)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(lr)
        with torch.no_grad(), autocast(precision, device):
            method.end_step(network, pixels, wanted)
        total += loss.detach() * len(batch)
    return total.item() / len(order), lr


def _first_flips(task: Task) -> torch.Tensor:
    """Which images alternating flips mirror in the first epoch: bool (N,), one coin for each, the same in all epochs."""
    generator = torch.Generator("cpu").manual_seed(derive(task.order, "flips"))
    return torch.rand(len(task.images), generator=generator) < 0.5


def _order(count: int, drawn: int, generator: torch.Generator) -> torch.Tensor:
    """`drawn` numbers of images below `count`: whole permutations one after the other, the last one cut off.

    A batch at the seam of two permutations may hold an image twice.
    """
    permutations = [torch.randperm(count, generator=generator, device=generator.device) for _ in range(-(-drawn // count))]
    return torch.cat(permutations)[:drawn]


@torch.no_grad()
def _finish(network: nn.Module, method: UncertaintyMethod, task: Task) -> dict[str, float]:
    """What the method fits to the weights that are kept; it changes the network's buffers."""
    device = next(network.parameters()).device

    def pixels(images: np.ndarray) -> Iterator[torch.Tensor]:
        return (to_pixels(batch.to(device)) for batch in torch.as_tensor(images).split(500))

    network.eval()
    known = task.validation_images is not None
    validation = (task.validation_images, task.validation_labels) if known else (task.images[:0], np.zeros(0, dtype=np.int64))
    return method.finish(network, pixels(task.images), pixels(validation[0]), validation[1])


def _validate(network: nn.Module, task: Task) -> dict[str, float]:
    """NLL, accuracy and ECE (15 bins) against the data set's labels, the same for all students, whatever they learn from.

    {} without validation images.
    """
    if task.validation_images is None:
        return {}
    logits = predict_logits(network, task.validation_images, PLAIN, batch_size=500, seed=0)
    if not np.isfinite(logits).all():
        return {"validation_nll": np.nan, "validation_accuracy": np.nan, "validation_ece": np.nan}
    probs = predictive(logits)
    return {
        "validation_nll": negative_log_likelihood(probs, task.validation_labels),
        "validation_accuracy": accuracy(probs, task.validation_labels),
        "validation_ece": expected_calibration_error(probs, task.validation_labels, bins=15),
    }


def _lowest(state: State) -> float:
    return min((row["validation_nll"] for row in state.history), default=np.inf)


def _on_cpu(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
