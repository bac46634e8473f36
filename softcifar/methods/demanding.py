"""Methods that do not go with every recipe."""

from collections.abc import Iterator
from typing import ClassVar

from softcifar.methods.method import UncertaintyMethod
from softcifar.params.recipe import Recipe


class Demanding(UncertaintyMethod):
    """Asked when params.yaml is read, before anything trains."""

    of_members: ClassVar[bool] = False  # whether it trains networks whose head has `members`, which no other method can
    least_steps: int = 0  # of the optimizer, that a training must have

    def refusals(self, recipe: Recipe) -> Iterator[str]:
        """A sentence '<key>: found ...; allowed there: ...' for everything in the recipe that the method cannot do with."""
        return iter(())
