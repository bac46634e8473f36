"""SWAG: a Gaussian over the weights that training visits (Maddox et al. 2019), and networks drawn from it."""

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import nn
from torch.func import functional_call

from softcifar.errors import UserError
from softcifar.methods.demanding import Demanding
from softcifar.methods.kept import Kept
from softcifar.models.spectral import SpectralNorm
from softcifar.params.ranges import NonNegative, PositiveInt


class SWAG(Demanding):
    """`samples` networks drawn from a Gaussian with the mean and the covariance of the weights from step `start` on.

    Weights are taken after step `start` and every `every` steps from there. Their covariance is half the diagonal of their
    variances and half the low-rank one of the last `rank` deviations from the mean so far (Maddox et al., eq. 1), times
    `scale`; 0 is the mean itself, stochastic weight averaging. After training the networks are drawn, and each one's batch norm
    statistics are averages over the training images as they are, in batches. The network itself ends as the mean, with such
    statistics too: what novelty scores of features see.
    """

    title = "SWAG"

    def __init__(
        self,
        *,
        start: PositiveInt,
        every: PositiveInt = 10,
        rank: Annotated[int, Ge(2), Le(1000)] = 20,
        samples: PositiveInt = 10,
        scale: NonNegative = 1.0,
    ) -> None:
        self.start, self.every, self.rank, self.scale = start, every, rank, scale
        self.samples = self.passes = samples
        self.least_steps = start + every  # a deviation takes two

    @property
    def keeps(self) -> str:
        """What a trained network stores beside its own weights, for the report."""
        return f"{self.samples} further networks"

    def refusals(self, recipe: Any) -> Iterator[str]:
        if recipe.checkpoint != "last" or recipe.patience is not None:
            yield (
                f"method: found swag with checkpoint {recipe.checkpoint}, patience {recipe.patience or 'null'}; allowed there: "
                "checkpoint: last and patience: null, because it averages weights up to the last step"
            )
        if recipe.lookahead:
            yield "lookahead: found with method swag, which averages weights itself; allowed there: lookahead: null"

    def head(self, features: int, num_classes: int) -> nn.Module:
        return Collected()

    def end_step(self, classifier: nn.Module, pixels: torch.Tensor, targets: torch.Tensor) -> None:
        collected = classifier.network.head.kept
        after = collected.step() - self.start
        if after >= 0 and after % self.every == 0:
            collected.add(flat(classifier.parameters()), self.rank)

    def finish(
        self,
        classifier: nn.Module,
        train: Iterable[torch.Tensor],
        validation: Iterable[torch.Tensor],
        validation_labels: np.ndarray,
    ) -> dict[str, float]:
        collected = classifier.network.head.kept
        taken, steps = int(collected.count), int(collected.steps)
        if taken < 2:
            raise UserError(
                f"method: found swag with start {self.start}, every {self.every} in a training of {steps} steps; allowed "
                f"there: together at most {steps}, so that weights are taken twice"
            )
        drawn = collected.draw(self.samples, self.scale)
        *own, mean = renewed(classifier, [*drawn, collected.mean], train)
        collected.weights, collected.statistics = drawn, torch.stack(own)
        for given, new in ((parameters(classifier), collected.mean), (statistics(classifier), mean)):
            for name, tensor in shaped(given, new).items():
                given[name].copy_(tensor)
        collected.forget()
        return {"weights_taken": float(taken)}

    def predict(self, classifier: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        collected = classifier.network.head.kept
        return torch.stack(
            [
                functional_call(classifier, tensors_of(classifier, weights, norms), (pixels,))
                for weights, norms in zip(collected.weights, collected.statistics, strict=True)
            ]
        )


class Collected(Kept):
    """Moments of the weights (P,) taken so far, in float32; after training, the networks drawn from them.

    steps: of the training; count: of weights taken; mean (P,), squares (P,): sums of squared deviations from it (Welford 1962);
    deviations (rank, P): of the last ones, each from the mean with it, the oldest one overwritten. weights (S, P) and
    statistics (S, Q): of the networks drawn. seed: of the draws.
    """

    def __init__(self) -> None:
        empty = {name: torch.zeros(0) for name in ("mean", "squares", "deviations", "weights", "statistics")}
        counts = {name: torch.zeros((), dtype=torch.int64) for name in ("steps", "count")}
        super().__init__(**empty, **counts, seed=torch.randint(2**62, ()))
        self._step: int | None = None  # `steps`, where asking needs not wait for the GPU

    def _load_from_state_dict(self, *loaded: object) -> None:
        self._step = None
        super()._load_from_state_dict(*loaded)

    def step(self) -> int:
        """Count one; the number of steps with it."""
        self._step = (int(self.steps) if self._step is None else self._step) + 1
        self.steps += 1
        return self._step

    def add(self, weights: torch.Tensor, rank: int) -> None:
        if not self.count:
            self.mean, self.squares = torch.zeros_like(weights), torch.zeros_like(weights)
            self.deviations = weights.new_zeros(rank, len(weights))
        before = weights - self.mean
        self.mean += before / (self.count + 1)
        after = weights - self.mean
        self.squares += before * after
        self.deviations[int(self.count) % rank] = after
        self.count += 1

    def draw(self, samples: int, scale: float) -> torch.Tensor:
        """Weights (S, P) of networks from the Gaussian; Maddox et al., section 3.3."""
        generator = torch.Generator("cpu").manual_seed(int(self.seed))  # the same numbers on every device
        rank = min(len(self.deviations), int(self.count))
        deviations, drawn = self.deviations[:rank] / math.sqrt(rank - 1), []
        for _ in range(samples):
            own = torch.randn(len(self.mean), generator=generator).to(self.mean)
            shared = torch.randn(rank, generator=generator).to(self.mean)
            spread = (self.squares / self.count).sqrt() * own + shared @ deviations
            drawn.append(self.mean + math.sqrt(scale / 2) * spread)
        return torch.stack(drawn)

    def forget(self) -> None:
        """What only training needs goes: saved networks would be `rank` times larger."""
        for name in ("mean", "squares", "deviations"):
            setattr(self, name, getattr(self, name).new_zeros(0))


@torch.no_grad()
def renewed(classifier: nn.Module, networks: Iterable[torch.Tensor], train: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """statistics (Q,) of each of the networks with weights (P,): its batch norms' are means over the batches of `train`.

    Everything else is in evaluation mode, but the norms that spectral normalisation divides by, which are those of these
    weights then. A batch of one image is passed over: batch norm could not scale it.
    """
    layers = [module for module in classifier.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm | SpectralNorm)]
    momenta = {norm: norm.momentum for norm in layers if not isinstance(norm, SpectralNorm)}
    tensors = [tensors_of(classifier, weights, flat(statistics(classifier).values())) for weights in networks]
    counters = [
        {name: torch.zeros_like(buffer) for name, buffer in classifier.named_buffers() if name.endswith("num_batches_tracked")}
        for _ in tensors
    ]
    try:
        for layer in layers:
            layer.train()
        for norm in momenta:
            norm.momentum = None  # torch's word for a mean over all batches since the counter was 0
        for pixels in train:
            for one, counter in zip(tensors, counters, strict=True):
                if len(pixels) > 1:
                    functional_call(classifier, one | counter, (pixels,))
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        classifier.eval()
    return [flat(one[name] for name in statistics(classifier)) for one in tensors]


def parameters(classifier: nn.Module) -> dict[str, torch.Tensor]:
    return dict(classifier.named_parameters())


def statistics(classifier: nn.Module) -> dict[str, torch.Tensor]:
    """All buffers of the network with a fraction, what a method keeps aside."""
    return {
        name: buffer for name, buffer in classifier.named_buffers() if buffer.is_floating_point() and ".head.kept." not in name
    }


def flat(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    """All in one vector, float32, each in the order of its axes, whatever that in memory is; a copy."""
    return torch.cat([tensor.detach().flatten().float() for tensor in tensors])


def shaped(like: dict[str, torch.Tensor], vector: torch.Tensor) -> dict[str, torch.Tensor]:
    """`flat`, backwards: parts of the vector, under the names and in the shapes of `like`."""
    parts = vector.split([tensor.numel() for tensor in like.values()])
    return {name: part.view(tensor.shape) for (name, tensor), part in zip(like.items(), parts, strict=True)}


def tensors_of(classifier: nn.Module, weights: torch.Tensor, norms: torch.Tensor) -> dict[str, torch.Tensor]:
    """All tensors of the network with these weights (P,) and statistics (Q,), by their names in the classifier."""
    return shaped(parameters(classifier), weights) | shaped(statistics(classifier), norms)
