"""What a method may change: head, loss, what happens after a step and after training, the prediction, scores of its own."""

from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np
import torch
from torch import nn

HOOKS = ("head", "loss", "end_step", "finish", "input_gradient")  # what training asks a method for


class UncertaintyMethod:
    """The plain network: its own head, the recipe's loss, one deterministic pass. A method overrides what it changes.

    The constructor's keyword-only parameters are the method's options in params.yaml. Training and evaluation call the
    functions below and know no method by name. `classifier` is a softcifar.models.classifier.Classifier; pixels are
    (B, C, H, W) in [0, 1].
    """

    title: ClassVar[str]  # what the report calls it; without one, its name in params.yaml
    input_gradient: ClassVar[bool] = False  # whether `loss` differentiates by the pixels
    fits_on_validation: bool = False  # whether `finish` needs validation images
    passes: int = 1  # forward passes of `predict`

    @classmethod
    def trains(cls) -> bool:
        """Whether a network trained with this method differs from the plain one: it does where a hook below is overridden."""
        return any(getattr(cls, hook) is not getattr(UncertaintyMethod, hook) for hook in HOOKS)

    def __setattr__(self, name: str, value: object) -> None:
        if name in HOOKS:
            raise AttributeError(f"{type(self).__name__}.{name}: is read from the class; override it there, not in an instance")
        super().__setattr__(name, value)

    def head(self, features: int, num_classes: int) -> nn.Module | None:
        """What replaces the network's last layer: features (B, D) to logits (B, K). None: nothing."""
        return None

    def loss(
        self, classifier: nn.Module, pixels: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor, base: Callable
    ) -> torch.Tensor:
        """The loss of every image (B,); targets (B, K) probabilities, base(pixels, logits, targets) the recipe's losses."""
        return base(pixels, logits, targets)

    def end_step(self, classifier: nn.Module, pixels: torch.Tensor, targets: torch.Tensor) -> None:
        """Called after every optimizer step, without gradients, with the batch as the network saw it; targets (B, K)."""

    def finish(
        self,
        classifier: nn.Module,
        train: Iterable[torch.Tensor],
        validation: Iterable[torch.Tensor],
        validation_labels: np.ndarray,
    ) -> dict[str, float]:
        """Called once, after training, without gradients, with the weights that are kept and in evaluation mode.

        train, validation: the pixels of all images, in batches and not augmented; validation_labels int64 (V,), none where the
        network learned from validation images too. What is fitted belongs in the network's buffers, which are saved with it.
        Returns the numbers that the report shows, by name.
        """
        return {}

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        """Logits (S, B, K) whose softmax, averaged over S samples, is the prediction. The classifier is in evaluation mode."""
        return classifier(pixels)[None]

    def scores(self, classifier: nn.Module, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Novelty scores that logits alone do not give: {name: (B,)}, higher = more novel. As for `predict`."""
        return {}
