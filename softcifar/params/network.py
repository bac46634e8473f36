"""Whether a network can be built: checked by building it, without memory for its weights."""

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn.modules.module import register_module_buffer_registration_hook, register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from softcifar.errors import UserError
from softcifar.methods import METHODS, UncertaintyMethod
from softcifar.methods.demanding import Demanding
from softcifar.models.build import build, split
from softcifar.params.chosen import Chosen
from softcifar.params.options import require

MOST_WEIGHTS = 10**9  # PyramidNet-272 has 26 million
MOST_TENSORS = 10**4  # that hold them; PyramidNet-272 has 1,000
DEEPEST = 1500  # ResNet-1202 is the deepest published one
SMALL = 2048  # a method's last layer whose numbers of inputs and of whatever else are no larger is built as it is


def require_buildable(network: Chosen, method: Chosen | None = None) -> None:
    """UserError where a network has no such depth or combination, or is far too large; with the last layer of a method.

    Also where a network of members is without the method that trains them, or that method without such a network.
    """
    if "depth" in (sized := split(network.name)[1]):
        require(sized["depth"] <= DEEPEST, "depth", network.name, f"a depth of at most {DEEPEST}")
        family = network.name.rstrip("0123456789")
        require(network.name == f"{family}{sized['depth']}", "depth", network.name, f"{family}{sized['depth']}")
    own = method is not None and issubclass(METHODS[method.name], Demanding) and METHODS[method.name].of_members
    if method is not None and own != has_members(network):
        among = "a network of members (packed_airbench)" if own else "method: packed, which trains members"
        raise UserError(f"found {method.name} with network {network.name}; allowed there: {among}")
    own_head = method is not None and METHODS[method.name].head is not UncertaintyMethod.head
    if wrong := _wrong(network.name, _largest(network), *((method.name, _largest(method)) if own_head else ())):
        raise UserError(wrong)


def has_members(network: Chosen) -> bool:
    """Whether the network is several, `members` of them, in one."""
    return "members" in network.options


def has_linear_layer(network: Chosen, method: Chosen) -> bool:
    """Whether the last layer of the network as the method has it is an nn.Linear; told by the layer that is built."""
    return _linear(network.name, _largest(network), method.name, _largest(method))


def _largest(chosen: Chosen) -> tuple[tuple[str, Any], ...]:
    """The options as pairs; the largest of several values."""
    return tuple(
        (name, max((each for each in value if each is not None), default=None) if isinstance(value, list) else value)
        for name, value in chosen.options.items()
    )


@functools.cache  # a large network takes seconds, and all students may share one
def _wrong(network: str, options: tuple, method: str = "", of_method: tuple = ()) -> str:
    try:
        with _of_sane_size(method or network), torch.device("meta"), _Unfilled():
            body = build(network, 2, **dict(options))
            if method:
                body.head = _head(method, of_method, body.head.in_features)
    except UserError as error:
        return str(error)
    return ""


@functools.cache
def _linear(network: str, options: tuple, method: str, of_method: tuple) -> bool:
    with torch.device("meta"), _Unfilled():
        body = build(network, 2, **dict(options))
        head = _head(method, of_method, body.head.in_features)
        if head is not None:
            body.head = head
    return isinstance(body.head, torch.nn.Linear)


def _head(method: str, options: tuple, inputs: int) -> torch.nn.Module | None:
    """A method's last layer of two classes. Without memory its arithmetic would import torch's compiler, for seconds."""
    small = all(size <= SMALL for size in (inputs, *(value for _, value in options)) if isinstance(size, int | float))
    with torch.device("cpu" if small else "meta"), torch.random.fork_rng([]):
        return METHODS[method](**dict(options)).head(inputs, 2)


class _Unfilled(TorchFunctionMode):
    """Tensor.normal_, as He initialisation calls it, does nothing without memory: it would import torch's compiler, too."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return args[0] if func is torch.Tensor.normal_ and args[0].is_meta else func(*args, **(kwargs or {}))


@contextmanager
def _of_sane_size(name: str) -> Iterator[None]:
    """Stop building, with a UserError, as soon as there are more weights or layers than anyone needs."""
    tensors = weights = 0

    def count(_: torch.nn.Module, __: str, tensor: torch.Tensor | None) -> None:
        nonlocal tensors, weights
        if tensor is not None:
            tensors, weights = tensors + 1, weights + tensor.numel()
        if tensors > MOST_TENSORS or weights > MOST_WEIGHTS:
            raise UserError(
                f"found {name} with {weights} or more weights in {tensors} or more tensors; allowed: at most {MOST_WEIGHTS} in "
                f"{MOST_TENSORS}"
            )

    with ExitStack() as stack:
        for hook in (register_module_parameter_registration_hook, register_module_buffer_registration_hook):
            stack.callback(hook(count).remove)
        yield
