"""What a method keeps beside a network's own last layer: buffers that are saved with the network, and change no prediction."""

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook


class Kept(nn.Module):
    """Buffers by name, of any shape; `UncertaintyMethod.head` returns them, and they join the layer whose place they are given.

    That layer then stays where it is and as it was drawn, with these as its submodule `kept`: a network trained with such a
    method is, weight for weight, the plain one. A buffer takes the shape of what it is given or loaded with.
    """

    def __init__(self, **buffers: torch.Tensor) -> None:
        super().__init__()
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor)

    def joins(self, head: nn.Module) -> None:
        """Raise UserError where these cannot be kept beside this last layer."""

    def _load_from_state_dict(self, state_dict: dict[str, torch.Tensor], prefix: str, *rest: object) -> None:
        for name, buffer in list(self._buffers.items()):
            if prefix + name in state_dict:
                setattr(self, name, buffer.new_empty(state_dict[prefix + name].shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _join(module: nn.Module, name: str, placed: nn.Module | None) -> nn.Module | None:
    """torch calls this wherever a layer is put into a network, and puts what it returns in its place."""
    head = module._modules.get(name)
    if not isinstance(placed, Kept) or head is None:
        return None
    placed.joins(head)
    head.kept = placed
    return head


register_module_module_registration_hook(_join)
