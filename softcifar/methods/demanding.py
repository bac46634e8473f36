"""Methods that do not go with every recipe."""

from collections.abc import Iterator
from typing import Any, ClassVar

from softcifar.methods.method import UncertaintyMethod


class Demanding(UncertaintyMethod):
    """Asked when params.yaml is read, before anything trains."""

    of_members: ClassVar[bool] = False  # whether it trains networks whose head has `members`, which no other method can
    least_steps: int = 0  # of the optimizer, that a training must have

    def refusals(self, recipe: Any) -> Iterator[str]:
        """A sentence '<key>: found ...; allowed there: ...' for all that the method cannot do with.

        recipe: a softcifar.params.recipe.Recipe, which itself looks for methods.
        """
        return iter(())
