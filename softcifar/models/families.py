"""Networks by name, families of several depths by the name of each depth too."""

import functools
import inspect
import re
from collections.abc import Callable


class Families(dict[str, Callable]):
    """A dict in which 'resnet20' is the function of 'resnet' with depth=20, where that one takes a depth.

    Only families are listed: a depth is no key that one iterates over, nor is it `in` the dict.
    """

    def __missing__(self, name: str) -> Callable:
        match = re.fullmatch(r"([a-z_]+?)(\d+)", str(name))
        family = self.get(match[1]) if match else None
        if family is None or "depth" not in inspect.signature(family).parameters:
            raise KeyError(name)
        return functools.partial(family, depth=int(match[2]))
