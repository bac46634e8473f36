"""Something chosen by name from a registry, with its options: a network, a loss, an augmentation, an uncertainty method."""

from typing import Any

from softcifar.params.options import Section


class Chosen(Section):
    """A name of a registry, with every option resolved."""

    name: str
    options: dict[str, Any] = {}
