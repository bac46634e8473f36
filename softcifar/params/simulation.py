"""The section `simulations` of params.yaml."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import model_validator

from softcifar.errors import choose, missing, quote
from softcifar.params.chosen import Chosen
from softcifar.params.options import Section, check, mapping_with, unfolded
from softcifar.params.ranges import Epochs, Folds, Name
from softcifar.params.recipe import Loss, Recipe


class SimulatedMethod(Section):
    """A label source and a loss, whose options may be lists (a grid), or the temperature-scaled networks of another method."""

    source: str | None = None
    calibrated: bool = False  # divide the teachers' logits by the temperature fitted on points they did not see
    options: dict[str, Any] = {}
    loss: Loss | None = None  # null: cross-entropy
    scaled: Name | None = None  # a key of methods: its networks, each divided by the temperature fitted on validation

    @model_validator(mode="before")
    @classmethod
    def _fit_source(cls, found: object) -> dict:
        from softcifar.labels import LABEL_SOURCES
        from softcifar.labels.source import inputs, refuse_calibrated

        found = unfolded(found)
        if isinstance(found, Mapping) and found.get("scaled") is not None:
            if set(found) != {"scaled"}:
                raise ValueError("scaled: takes the networks of another method as they are; remove the other keys")
            return dict(found)
        entry = mapping_with(found, "source")
        name = entry.pop("source")
        function = choose(LABEL_SOURCES, name, "source")
        if not {"votes", "soft_labels"}.isdisjoint(inputs(function)):
            raise ValueError(f"source: '{name}' needs people's labels, which simulated data do not have; choose another source")
        shared = {key: entry.pop(key) for key in ("calibrated", "loss") if key in entry}
        if "calibrated" in shared:
            refuse_calibrated(name, function)
        return {"source": name, **shared, "options": check(function, entry, tunable=True)}


# What softcifar.simulation, which trains many networks as one, can do of a recipe; the rest is refused.
SIMULATED = {
    "network": "mlp",
    "network.dropout": 0,
    "method": "softmax",
    "loss": "cross_entropy",
    "augment": [],
    "optimizer": "adam",
    "schedule": "constant",
    "decay": 0,
    "warmup": 0,
    "finetune": 0,
    "checkpoint": "best",
    "precision": "float32",
}


class Simulation(Recipe):
    """Many small data sets at once (data.protocol: repeated), each method on every one of them.

    Per data set every method trains seeds.runs networks: one for each point of its grid, or, without a grid, all alike but
    for their seeds. `choose_by` chooses one of them on validation, for each data set anew.
    """

    patience: Epochs  # epochs without a lower validation NLL before a network stops
    folds: Folds  # teachers per data set, as in a Teacher
    methods: Annotated[dict[Name, SimulatedMethod], MinLen(1)]

    def _impossible(self) -> Iterator[str]:
        from softcifar.simulation.files import BAYES

        yield from super()._impossible()
        chosen = {key: getattr(self, key) for key in SIMULATED if "." not in key}
        chosen = {key: value.name if isinstance(value, Chosen) else value for key, value in chosen.items()}
        chosen |= {"network.dropout": self.network.options.get("dropout", 0), "augment": [step.name for step in self.augment]}
        for key, only in SIMULATED.items():
            if chosen[key] != only:
                yield f"{key}: found {quote(chosen[key])}; allowed in a simulation: {only!r}"
        single = {
            key: getattr(self, key) for key in Recipe.model_fields if key not in ("augment", "finetune_augment", "milestones")
        }
        for key, value in (single | {f"network.{key}": value for key, value in self.network.options.items()}).items():
            if isinstance(value, list):
                yield f"{key}: found {quote(value)}; allowed in a simulation: one value (options of its methods may be lists)"
        if BAYES in self.methods:
            yield f"methods.{BAYES}: this name is kept for the Bayes-optimal prediction; choose another one"
        for name, method in self.methods.items():
            if method.scaled:
                yield from missing(self.methods, method.scaled, f"methods.{name}.scaled")
            if method.scaled in self.methods and self.methods[method.scaled].scaled:
                yield f"methods.{name}.scaled: '{method.scaled}' is scaled itself; name the method that trains"
