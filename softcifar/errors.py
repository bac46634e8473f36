"""The one exception that a user's mistake raises, and the words it uses."""

import difflib
import re
import reprlib
from collections.abc import Collection, Iterable
from typing import TypeVar

T = TypeVar("T")
LONGEST = 200  # characters of what was found that a message quotes
MOST = 50  # names that it lists


class UserError(ValueError):
    """A mistake in params, a file or a combination; its text is one sentence that names what was found and what is allowed.

    Where several mistakes were found, each has a line of its own. Stage scripts print it and exit with status 2
    (softcifar.pipeline.stage.run); no traceback is shown.
    """


class _Short(reprlib.Repr):
    """repr, of bounded length and time, whatever is nested in what."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxother, self.maxlong = 3, 4 * LONGEST, 4 * LONGEST
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = MOST
        self.maxstring = 4 * LONGEST

    def repr_int(self, number: int, level: int) -> str:
        if abs(number) < 10**LONGEST:
            return repr(number)
        return f"a number of about {int(number.bit_length() * 0.30103) + 1} digits"  # writing all of them takes long

    def repr_dict(self, mapping: dict, level: int) -> str:
        if level <= 0:
            return "{...}"
        pairs = [
            f"{self.repr1(key, level - 1)}: {self.repr1(mapping[key], level - 1)}" for key in list(mapping)[: self.maxdict]
        ]
        return "{" + ", ".join(pairs) + (", ..." if len(mapping) > self.maxdict else "") + "}"  # in the order of the file


def quote(found: object) -> str:
    """What was found, as repr writes it; the beginning where that is longer than LONGEST characters."""
    return cut(_Short().repr(found))


def cut(text: str) -> str:
    """At most LONGEST characters of a text, on one line."""
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def suggestion(found: object, allowed: Iterable[str]) -> str:
    """'; did you mean 'x'? Allowed: a, b, x' for an unknown name; the closest name is left out where none is near.

    '<...>' in an allowed name stands for a number: 'resnett20' is nearer to 'resnet<depth>' than to 'resnet18'.
    """
    names, text = sorted(cut(str(name)) for name in allowed), str(found)[:LONGEST]
    number = re.search(r"\d+", text)
    filled: dict[str, str] = {}
    for name in names:
        filled.setdefault(re.sub("<[^>]*>", number[0] if number else "", name), name)
    near = difflib.get_close_matches(text, filled, n=1, cutoff=0.6)
    guess = f"; did you mean '{filled[near[0]]}'?" if near else ";"
    if text in names:  # 'resnet<depth>' itself
        guess = "; write a number in the place of <...>;"
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{guess} allowed: {', '.join(names[:MOST]) or '(nothing)'}{more}"


def missing(allowed: Collection[str], name: str, key: str) -> list[str]:
    """The sentence that names the params key where `name` is not among the allowed ones; [] where it is."""
    return [] if name in allowed else [f"{key}: there is no '{cut(name)}'{suggestion(name, allowed)}"]


def choose(table: dict[str, T], name: str, key: str) -> T:
    """Return table[name]; raise UserError that names the params key where there is no such entry."""
    for sentence in missing(table, name, key):
        raise UserError(sentence)
    return table[name]
