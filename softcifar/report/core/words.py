"""Params in words: nested options under dotted names, and values as people write them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np


def flatten(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options under dotted names, empty ones left out.

    A method with options is {"name": ..., "options": {...}} in params; its name stands for it:
    {"network": {"name": "resnet8", "options": {"dropout": 0.1}}} -> {"network": "resnet8", "network.dropout": 0.1}.
    """
    flat: dict[str, Any] = {}
    for key, value in options.items():
        if key == "options" and isinstance(value, Mapping):
            flat |= flatten(value, prefix)
        elif isinstance(value, Mapping):
            if "name" in value:
                flat[prefix + key] = value["name"]
            flat |= flatten({name: part for name, part in value.items() if name != "name"}, f"{prefix}{key}.")
        elif value is not None and value is not False and value != []:
            flat[prefix + key] = value
    return flat


def words(value: Any) -> str:
    """A params value for people: lists with commas, a method as "name (option value)", nothing as a dash."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key} {words(item)}" for key, item in flatten(value).items() if key != "name")
        return f"{value['name']} ({inside})" if inside and "name" in value else value.get("name", inside)
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(words(item) for item in value)
    return "–" if value is None else str(value)


def counted(number: int, unit: str) -> str:
    """So many of a unit in the plural: 3 runs, 1 run."""
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


def noted(abouts: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(package, device or precision; the versions that the stages noted)."""
    versions: dict[str, list[str]] = {}
    for about in abouts:
        own = dict(about.get("versions", {})) | {key: about[key] for key in ("precision", "device") if key in about}
        for key, value in own.items():
            if words(value) not in versions.setdefault(key, []):
                versions[key].append(words(value))
    return [(key, ", ".join(values)) for key, values in versions.items()]


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"; of more than `most` the first ones and how many others there are."""
    names = list(names)
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def capital(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]
