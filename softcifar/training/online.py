"""Labels made during training, from the student's own predictions (beta smoothing)."""

import torch

from softcifar.errors import UserError
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.source import inputs
from softcifar.losses import LOSSES
from softcifar.params.recipe import Recipe
from softcifar.params.sections import LabelSource
from softcifar.training.loop import BatchLoss


def is_online(source: str) -> bool:
    """Whether a label source needs the student's predictions, so that no file can hold its labels."""
    return "student_logits" in inputs(LABEL_SOURCES[source])


def online_loss(recipe: Recipe, source: LabelSource, student: str) -> BatchLoss:
    """The recipe's loss against labels that `source` makes for every batch; no gradient goes through the labels.

    The batch's targets have to be one-hot: these sources start from one class per image. UserError where the augmentation
    softens targets. On a GPU every step waits for the labels, which are made on the CPU.
    """
    make, loss = LABEL_SOURCES[source.source], LOSSES[recipe.loss.name]
    names = inputs(make)

    def batch_loss(_: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if (targets.amax(dim=1) < 1).any():
            raise UserError(
                f"students.{student}.labels: source '{source.source}' needs one class per image, but this student's "
                "augmentation mixes or softens them; take that step out of augment"
            )
        if not torch.isfinite(logits).all():
            return loss(
                logits, targets, reduction="none", **recipe.loss.options
            )  # diverged: the loop says so after this epoch, and what to do
        given = {
            "labels": targets.argmax(dim=1),
            "num_classes": targets.shape[1],
            "student_logits": logits.detach().float(),
            "seed": int(torch.randint(2**62, ())),  # from the global generator, which the loop seeds for every epoch
        }
        labels = make(*(given[name] for name in names), **source.options)
        return loss(logits, labels.to(targets.dtype), reduction="none", **recipe.loss.options)

    return batch_loss
