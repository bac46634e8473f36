"""Networks by name: `build(name, num_classes, **options)` (methods.md, section 4)."""

from softcifar.models.build import build
from softcifar.models.resnet import resnet

# A name ends in its depth where the family comes in several: 'resnet20' is resnet(depth=20).
NETWORKS = {
    "resnet": resnet,
}

__all__ = ["NETWORKS", "build"]
