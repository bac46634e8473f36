"""Networks by name: `build(name, num_classes, **options)` (methods.md, section 4)."""

from softcifar.models.build import build
from softcifar.models.densenet_bc import densenet_bc_40_12, densenet_bc_100_12
from softcifar.models.mlp import mlp
from softcifar.models.resnet import resnet
from softcifar.models.shallow import shallow

# A name ends in its depth where the family comes in several: 'resnet20' is resnet(depth=20).
NETWORKS = {
    "densenet_bc_40_12": densenet_bc_40_12,
    "densenet_bc_100_12": densenet_bc_100_12,
    "mlp": mlp,
    "resnet": resnet,
    "shallow": shallow,
}

__all__ = ["NETWORKS", "build"]
