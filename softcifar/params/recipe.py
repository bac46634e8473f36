"""A recipe: how a network is built and trained, as students, teachers and simulations inherit it in params.yaml."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, model_validator

from softcifar.errors import UserError, choose, cut, quote
from softcifar.params.chosen import Chosen
from softcifar.params.options import Section, Tunable, check, mapping_with
from softcifar.params.ranges import (
    LONGEST,
    Decay,
    Epochs,
    Fraction,
    NonNegative,
    NonNegativeInt,
    OpenFraction,
    Positive,
    PositiveInt,
    Rate,
)


def chosen_from(registry: Callable[[], Mapping[str, Callable]], given: tuple[str, ...] = (), tunable: bool = True) -> Any:
    """The type of a key that names an entry of `registry`, as 'name' or {name: ..., option: ...}."""

    def read(found: object) -> Chosen:
        if isinstance(found, Chosen):
            return found
        entry = {"name": found} if isinstance(found, str) else mapping_with(found, "name")
        name = entry.pop("name")
        if not name.isascii() or len(name) > LONGEST:  # digits of other scripts are digits to Python
            raise UserError(f"name: found {quote(name)}; allowed: at most {LONGEST} letters, digits and _")
        function = choose(registry(), name, "name")
        return Chosen(name=name, options=check(function, entry, tunable=tunable, given=given))

    return Annotated[Chosen, BeforeValidator(read)]


def _networks() -> Mapping[str, Callable]:
    from softcifar.models.build import Networks

    return Networks()


def _losses() -> Mapping[str, Callable]:
    from softcifar.losses import LOSSES

    return LOSSES


def _augmentations() -> Mapping[str, Callable]:
    from softcifar.augment import AUGMENTATIONS

    return AUGMENTATIONS


def _methods() -> Mapping[str, Callable]:
    from softcifar.methods import METHODS

    return METHODS


def _buildable(network: Chosen) -> Chosen:
    from softcifar.params.network import require_buildable

    require_buildable(network)
    return network


Network = Annotated[
    chosen_from(_networks, given=("in_channels", "image_size", "depth", "covariance")), AfterValidator(_buildable)
]
Loss = chosen_from(_losses, given=("reduction",))
Augmentation = chosen_from(_augmentations, given=("weights", "turn"))
UntunedAugmentation = chosen_from(_augmentations, given=("weights", "turn"), tunable=False)
Prediction = chosen_from(_methods, tunable=False)  # it plays no part in training, so validation cannot choose
TunableInt = Annotated[PositiveInt, Tunable]


class Lookahead(Section):
    every: PositiveInt  # steps between two moves of the slow weights
    decay: OpenFraction  # the larger, the more steps the slow weights average (softcifar.training.lookahead)


class Recipe(Section):
    """How a network is trained. Students and teachers override any key."""

    network: Network
    method: Prediction  # how the trained network predicts: one pass, or several stochastic ones
    loss: Loss
    augment: list[Augmentation]  # applied in this order to every batch
    epochs: Annotated[Epochs, Tunable]
    batch_size: TunableInt
    optimizer: Literal["sgd", "adam"]  # momentum and nesterov are sgd's
    lr: Annotated[Rate, Tunable]  # the highest learning rate of the schedule
    momentum: Annotated[Fraction, Tunable]
    nesterov: bool
    weight_decay: Annotated[Decay, Tunable]
    decoupled: bool = False  # weights shrink by weight_decay * lr a step by itself, which is then no part of the gradient
    norm_bias_lr: Positive = 1.0  # the lr of batch norm's biases, in units of the others'
    lookahead: Lookahead | None = None  # slow weights that follow the optimizer's
    schedule: Literal["constant", "cosine", "linear", "multistep"]
    milestones: list[Epochs] = []  # multistep: the lr is multiplied by `factor` after each of these epochs
    factor: Annotated[Positive, Tunable]  # multistep's; linear: the share of lr at the end
    decay: Annotated[Decay, Tunable] = 0.0  # the lr is divided by 1 + decay * steps taken, as Keras' SGD does
    warmup: NonNegative  # epochs of linear warm-up, part of `epochs`
    warmup_from: Fraction = 0.0  # the share of lr at which it starts
    finetune: NonNegativeInt = 0  # number of last epochs, part of `epochs`, that train with finetune_augment instead of augment
    finetune_augment: list[UntunedAugmentation] = []  # []: without augmentation
    checkpoint: Literal["best", "last"]  # the epoch kept: lowest validation NLL, or the last one
    patience: Epochs | None = None  # epochs without a lower validation NLL before training stops; null: never
    choose_by: Literal["nll", "accuracy", "ece"]  # by which validation score a tuned value is chosen
    precision: Literal["auto", "bfloat16", "float32"]  # auto: bfloat16 where the processor computes in it
    compile: bool = False  # the network as one compiled program (softcifar.training.compiled)

    @model_validator(mode="after")
    def _possible(self) -> "Recipe":
        if impossible := list(self._impossible()):
            raise UserError("\n".join(impossible))
        return self

    def _impossible(self) -> Iterator[str]:
        if self.optimizer == "adam" and (self.nesterov or self.momentum != 0):
            yield (
                f"momentum: found {self.momentum}, nesterov {str(self.nesterov).lower()}, with optimizer adam, which has "
                "its own; allowed there: momentum: 0 and nesterov: false"
            )
        elif self.nesterov and self.momentum == 0:
            yield "nesterov: found true with momentum 0; allowed: a momentum above 0, or nesterov: false"
        from softcifar.params.network import require_buildable

        try:
            require_buildable(self.network, self.method)
        except UserError as error:
            yield f"method: {error}"
        from softcifar.methods.demanding import Demanding

        method = _methods()[self.method.name]
        if issubclass(method, Demanding):
            yield from method(**self.method.options).refusals(self)
        if self.compile and method.input_gradient:
            yield (
                f"compile: found true with method '{self.method.name}', which differentiates by the pixels; "
                "allowed: compile: false"
            )
        if self.lookahead and (self.checkpoint != "last" or self.patience is not None):
            yield (
                f"lookahead: found with checkpoint {self.checkpoint}, patience {self.patience or 'null'}; allowed there: "
                "checkpoint: last and patience: null, because the slow weights are the network's at the end alone"
            )
        if self.warmup_from and not self.warmup:
            yield f"warmup_from: found {self.warmup_from} with warmup 0; allowed there: 0"
        if isinstance(self.epochs, int) and self.warmup > self.epochs:
            yield f"warmup: found {self.warmup} epochs; allowed: at most epochs ({self.epochs})"
        if isinstance(self.epochs, int) and self.finetune > self.epochs:
            yield f"finetune: found {self.finetune} epochs; allowed: 0 to epochs ({self.epochs})"
        if self.finetune_augment and not self.finetune:
            steps = ", ".join(step.name for step in self.finetune_augment)
            yield f"finetune_augment: found {cut(steps)} with finetune 0; allowed there: []"
        if (self.schedule == "multistep") != bool(self.milestones):
            yield (
                f"milestones: found {quote(self.milestones)} with schedule '{self.schedule}'; allowed: epochs with "
                "'multistep', and none ([]) otherwise"
            )
        # One beyond the end has no effect, and is allowed: published protocols have such.
        if any(later <= one for one, later in itertools.pairwise(self.milestones)):
            yield f"milestones: found {quote(self.milestones)}; allowed: rising epochs, each once"
        for key, steps in (("augment", self.augment), ("finetune_augment", self.finetune_augment)):
            names = [step.name for step in steps]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                yield f"{key}: found {', '.join(twice)} more than once; allowed: each augmentation once"
