"""The section `acquisitions` of params.yaml."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from softcifar.errors import quote
from softcifar.params.ranges import Images, PositiveInt, Runs
from softcifar.params.recipe import Recipe, chosen_from


def _strategies() -> Mapping[str, Callable]:
    from softcifar.acquisition import ACQUISITIONS

    return ACQUISITIONS


Strategy = chosen_from(
    _strategies,
    given=("logits", "member_logits", "sample_logits", "features", "labelled_features", "labels", "count", "seed"),
    tunable=False,
)


class Acquisition(Recipe):
    """Active learning with one strategy: networks of this recipe, trained anew from a few labels after every purchase."""

    strategy: Strategy
    pool: Literal["clean", "dirty"]  # clean: the images that are not ambiguous; dirty: the ambiguous ones as well
    clean: Images | None = None  # so many images that are not ambiguous in the pool; null: all
    start: PositiveInt  # labels of every class at first
    buy: PositiveInt  # labels bought at a time
    budget: PositiveInt  # labels at the end
    members: Runs = 1  # networks trained at a time, whose mean prediction is the prediction
    draws: Images  # images drawn in an epoch, from the labelled ones

    def _impossible(self) -> Iterator[str]:
        from softcifar.acquisition import ACQUISITIONS
        from softcifar.acquisition.strategy import inputs
        from softcifar.augment.mixing import MATCH_HUMAN
        from softcifar.methods import METHODS

        yield from super()._impossible()
        needs, method = inputs(ACQUISITIONS[self.strategy.name]), METHODS[self.method.name](**self.method.options)
        if "member_logits" in needs and self.members < 2:
            yield (
                f"members: found {self.members} with strategy '{self.strategy.name}', which asks how members of an ensemble "
                "differ; allowed there: 2 or more"
            )
        if "sample_logits" in needs and method.passes < 2:
            yield (
                f"method: found '{self.method.name}' with strategy '{self.strategy.name}', which asks how several samples of a "
                "prediction differ; allowed there: a method of several passes (mc_dropout)"
            )
        if self.buy > self.budget:
            yield f"buy: found {self.buy} with budget {self.budget}; allowed: at most the budget"
        if self.checkpoint != "last" or self.patience is not None:
            yield (
                f"checkpoint: found {self.checkpoint}, patience {self.patience or 'null'}; allowed in an acquisition: "
                "checkpoint: last and patience: null, because so few labels leave none to validate with"
            )
        if method.fits_on_validation:
            yield (
                f"method: found {self.method.name} with an option that is fitted on validation images, which an acquisition "
                "does not have; allowed there: a number for it"
            )
        for key in ("augment", "finetune_augment"):
            for step in getattr(self, key):
                if step.options.get("q") == MATCH_HUMAN:
                    yield f"{key}.{step.name}.q: found {quote(MATCH_HUMAN)}; allowed in an acquisition: a number from 0 to 1"
