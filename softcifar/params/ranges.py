"""Number ranges for keys and for the options of methods; softcifar.params checks params.yaml against these annotations.

Upper bounds are far above what any study needs. They are there so that a slip of the hand ends in a sentence, not in a full
memory or in numbers that overflow.
"""

import re
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator

Fraction = Annotated[float, Ge(0), Le(1)]
PositiveFraction = Annotated[float, Gt(0), Le(1)]
FractionBelowOne = Annotated[float, Ge(0), Lt(1)]
OpenFraction = Annotated[float, Gt(0), Lt(1)]
Real = Annotated[float, Ge(-1e6), Le(1e6)]
Positive = Annotated[float, Gt(0), Le(1e6)]
NonNegative = Annotated[float, Ge(0), Le(1e6)]
Rate = Annotated[float, Gt(0), Le(1000)]  # a learning rate
Decay = Annotated[float, Ge(0), Le(100)]  # of weights, or of a learning rate, per step
PositiveInt = Annotated[int, Gt(0), Le(10**6)]  # a count: of units of a layer, of steps, of images that are made up
Images = Annotated[int, Gt(0), Le(10**7)]
NonNegativeInt = Annotated[int, Ge(0), Le(10**9)]  # a seed
Pixels = Annotated[int, Ge(0), Le(1000)]
Epochs = Annotated[int, Gt(0), Le(10**5)]
Runs = Annotated[int, Gt(0), Le(1000)]  # networks that are trained alike
Folds = Annotated[int, Ge(1), Le(1000)]

LONGEST = 64  # characters of a name


def named(name: str) -> str:
    """The name itself; ValueError, in words, where params.yaml cannot have it."""
    if len(name) > LONGEST or not re.fullmatch("[a-z0-9][a-z0-9_]*", name):
        found = repr(name) if len(name) <= LONGEST else f"{len(name)} characters"
        raise ValueError(
            f"found {found}; allowed: a name of at most {LONGEST} lower-case letters, digits and _, the first no _"
        )
    return name


Name = Annotated[str, AfterValidator(named)]  # also a file name and a dvc stage name
