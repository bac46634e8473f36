"""A recipe: how a network is built and trained, as students, teachers and simulations inherit it in params.yaml."""

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints, model_validator

from softcifar.errors import choose
from softcifar.params.chosen import Chosen
from softcifar.params.options import Number, Section, Tunable, checked, mapping_with
from softcifar.params.ranges import Fraction, NonNegative, NonNegativeInt, OpenFraction, Positive, PositiveInt

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$")]  # also a file name and a dvc stage name


def _chosen(registry: Callable[[], Mapping[str, Callable]], given: tuple[str, ...] = (), tunable: bool = True) -> Any:
    """The type of a key that names an entry of `registry`, as 'name' or {name: ..., option: ...}."""

    def read(found: object) -> Chosen:
        if isinstance(found, Chosen):
            return found
        entry = {"name": found} if isinstance(found, str) else mapping_with(found, "name")
        function = choose(registry(), entry["name"], "name")
        name = entry.pop("name")
        return Chosen(name=name, options=checked(function, entry, tunable=tunable, given=given))

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
    options = {name: value[0] if isinstance(value, list) else value for name, value in network.options.items()}
    _build_once(network.name, tuple(options.items()))
    return network


@functools.cache  # a large network takes seconds, and all students may share one
def _build_once(name: str, options: tuple[tuple[str, Any], ...]) -> None:
    from softcifar.models.build import build

    # Built only as a check: the network itself says which depths and combinations it allows.
    build(name, 2, **dict(options))


Network = Annotated[_chosen(_networks, given=("in_channels", "image_size", "depth", "covariance")), AfterValidator(_buildable)]
Loss = _chosen(_losses, given=("reduction",))
Augmentation = _chosen(_augmentations, given=("weights", "turn"))
UntunedAugmentation = _chosen(_augmentations, given=("weights", "turn"), tunable=False)
Prediction = _chosen(_methods, tunable=False)  # it plays no part in training, so validation cannot choose
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
    epochs: TunableInt
    batch_size: TunableInt
    optimizer: Literal["sgd", "adam"]  # momentum and nesterov are sgd's
    lr: Annotated[Positive, Number, Tunable]  # the highest learning rate of the schedule
    momentum: Annotated[Fraction, Number, Tunable]
    nesterov: bool
    weight_decay: Annotated[NonNegative, Number, Tunable]
    decoupled: bool = False  # weights shrink by weight_decay * lr a step by itself, which is then no part of the gradient
    norm_bias_lr: Annotated[Positive, Number] = 1.0  # the lr of batch norm's biases, in units of the others'
    lookahead: Lookahead | None = None  # slow weights that follow the optimizer's
    schedule: Literal["constant", "cosine", "linear", "multistep"]
    milestones: list[PositiveInt] = []  # multistep: the lr is multiplied by `factor` after each of these epochs
    factor: Annotated[Positive, Number, Tunable]  # multistep's; linear: the share of lr at the end
    decay: Annotated[NonNegative, Number, Tunable] = 0.0  # the lr is divided by 1 + decay * steps taken, as Keras' SGD does
    warmup: Annotated[NonNegative, Number]  # epochs of linear warm-up, part of `epochs`
    warmup_from: Annotated[Fraction, Number] = 0.0  # the share of lr at which it starts
    finetune: NonNegativeInt = 0  # number of last epochs, part of `epochs`, that train with finetune_augment instead of augment
    finetune_augment: list[UntunedAugmentation] = []  # []: without augmentation
    checkpoint: Literal["best", "last"]  # the epoch kept: lowest validation NLL, or the last one
    patience: PositiveInt | None = None  # epochs without a lower validation NLL before training stops; null: never
    choose_by: Literal["nll", "accuracy", "ece"]  # by which validation score a tuned value is chosen
    precision: Literal["auto", "bfloat16", "float32"]  # auto: bfloat16 where the processor computes in it
    compile: bool = False  # the network as one compiled program (softcifar.training.compiled)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, found: object) -> dict:
        return cls.known(found)

    @model_validator(mode="after")
    def _possible(self) -> "Recipe":
        if self.optimizer == "adam" and (self.nesterov or self.momentum != 0):
            raise ValueError(
                f"momentum: found {self.momentum}, nesterov {str(self.nesterov).lower()}, with optimizer adam, which has "
                "its own; allowed there: momentum: 0 and nesterov: false"
            )
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: found true with momentum 0; allowed: a momentum above 0, or nesterov: false")
        method = _methods()[self.method.name]
        if self.compile and method.input_gradient:
            raise ValueError(
                f"compile: found true with method '{self.method.name}', which differentiates by the pixels; "
                "allowed: compile: false"
            )
        if self.warmup_from and not self.warmup:
            raise ValueError(f"warmup_from: found {self.warmup_from} with warmup 0; allowed there: 0")
        if isinstance(self.epochs, int) and self.warmup > self.epochs:
            raise ValueError(f"warmup: found {self.warmup} epochs; allowed: at most epochs ({self.epochs})")
        if isinstance(self.epochs, int) and self.finetune > self.epochs:
            raise ValueError(f"finetune: found {self.finetune} epochs; allowed: 0 to epochs ({self.epochs})")
        if self.finetune_augment and not self.finetune:
            steps = ", ".join(step.name for step in self.finetune_augment)
            raise ValueError(f"finetune_augment: found {steps} with finetune 0; allowed there: []")
        if (self.schedule == "multistep") != bool(self.milestones):
            raise ValueError(
                f"milestones: found {self.milestones} with schedule '{self.schedule}'; allowed: epochs with "
                "'multistep', and none ([]) otherwise"
            )
        return self
