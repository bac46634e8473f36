"""Build a network from its name."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping

from torch import nn

from softcifar.errors import UserError, choose, suggestion
from softcifar.models import NETWORKS
from softcifar.params.options import check


class Networks(Mapping[str, Callable]):
    """The networks' functions by full name ('resnet20'); a family of several depths is listed as 'resnet<depth>'."""

    def __getitem__(self, name: str) -> Callable:
        family, _ = split(name)
        return NETWORKS[family]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and split(name)[0] in NETWORKS and not _sized(name)

    def __iter__(self) -> Iterator[str]:
        return iter(f"{name}<depth>" if _sized(name) else name for name in NETWORKS)

    def __len__(self) -> int:
        return len(NETWORKS)


def split(name: str) -> tuple[str, dict[str, int]]:
    """('resnet', {'depth': 20}) for 'resnet20'; the name itself and no options where it is in the registry ('resnet50'), or
    names no family with a depth."""
    match = re.fullmatch(r"([a-z_]+?)(\d+)", name)
    if name in NETWORKS or match is None or not _sized(match[1]):
        return name, {}
    return match[1], {"depth": int(match[2])}


def _sized(name: str) -> bool:
    return name in NETWORKS and "depth" in inspect.signature(NETWORKS[name]).parameters


def takes_covariance(name: str) -> bool:
    """Whether a network is built from the covariance of the training images' patches."""
    return name in NETWORKS and "covariance" in inspect.signature(NETWORKS[name]).parameters


def build(
    name: str,
    num_classes: int,
    *,
    in_channels: int = 3,
    image_size: int = 32,
    covariance: list[list[float]] | None = None,
    **options: object,
) -> nn.Module:
    """A freshly initialised network (from torch's global generator).

    name: e.g. 'resnet20'; num_classes K >= 2; images are (B, in_channels, image_size, image_size), normalised.
    covariance: of their 2x2 patches (softcifar.data.patches), for a network that `takes_covariance`.
    The network maps images to logits (B, K); its `features(images)` gives the penultimate features (B, D), and
    `head(features)` the logits. Raises UserError for an unknown name or option.
    """
    networks = Networks()
    function = choose(networks, name, "network")
    given = {"in_channels": in_channels, "image_size": image_size, **split(name)[1]}
    if takes_covariance(name):
        given["covariance"] = covariance
    for option in options:
        allowed = set(inspect.signature(function).parameters) - set(given) - {"num_classes"}
        if option not in allowed:
            raise UserError(f"{name}: unknown option '{option}'{suggestion(option, allowed)}")
    return function(num_classes, **given, **check(function, options, given=tuple(given)))
