"""The one exception that a user's mistake raises, and the words it uses."""

import difflib
import re
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class UserError(ValueError):
    """A mistake in params, a file or a combination; its text is one sentence that names what was found and what is allowed.

    Stage scripts print it and exit with status 2 (softcifar.pipeline.stage.run); no traceback is shown.
    """


def suggestion(found: object, allowed: Iterable[str]) -> str:
    """'; did you mean 'x'? Allowed: a, b, x' for an unknown name; the closest name is left out where none is near.

    '<...>' in an allowed name stands for a number: 'resnett20' is nearer to 'resnet<depth>' than to 'resnet18'.
    """
    names = sorted(map(str, allowed))
    number = re.search(r"\d+", str(found))
    filled: dict[str, str] = {}
    for name in names:
        filled.setdefault(re.sub("<[^>]*>", number[0] if number else "", name), name)
    near = difflib.get_close_matches(str(found), filled, n=1, cutoff=0.6)
    guess = f"; did you mean '{filled[near[0]]}'?" if near else ";"
    return f"{guess} allowed: {', '.join(names) or '(nothing)'}"


def choose(table: dict[str, T], name: str, key: str) -> T:
    """Return table[name]; raise UserError that names the params key where there is no such entry."""
    if name not in table:
        raise UserError(f"{key}: there is no '{name}'{suggestion(name, table)}")
    return table[name]
