"""Networks by name: `softcifar.models.build.build(name, num_classes, **options)` (docs/methods.md, Networks)."""

from softcifar.models.airbench import airbench
from softcifar.models.convnet import convnet
from softcifar.models.densenet_bc import densenet_bc_40_12, densenet_bc_100_12
from softcifar.models.families import Families
from softcifar.models.inception_v4 import inception_v4
from softcifar.models.lenet import lenet
from softcifar.models.mlp import mlp
from softcifar.models.packed_airbench import packed_airbench
from softcifar.models.pyramidnet import pyramidnet272
from softcifar.models.resnet import resnet, resnet110_sd
from softcifar.models.resnet_imagenet import resnet18, resnet34, resnet50, resnet101
from softcifar.models.resnet_v2 import resnet56_v2
from softcifar.models.shallow import shallow
from softcifar.models.spectral_batch_norm import spectral_batch_norm
from softcifar.models.vgg import vgg16, vgg16_dropout
from softcifar.models.wide_resnet import wrn28_10

# A name ends in its depth where the family comes in several: 'resnet20' is resnet(depth=20). A name that is listed itself
# goes first: 'resnet50' is ImageNet's, though 50 is 6n+2.
NETWORKS = Families({
    "airbench": airbench,
    "convnet": convnet,
    "densenet_bc_40_12": densenet_bc_40_12,
    "densenet_bc_100_12": densenet_bc_100_12,
    "inception_v4": inception_v4,
    "lenet": lenet,
    "mlp": mlp,
    "packed_airbench": packed_airbench,
    "pyramidnet272": pyramidnet272,
    "resnet": resnet,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet56_v2": resnet56_v2,
    "resnet101": resnet101,
    "resnet110_sd": resnet110_sd,
    "shallow": shallow,
    "spectral_batch_norm": spectral_batch_norm,
    "vgg16": vgg16,
    "vgg16_dropout": vgg16_dropout,
    "wrn28_10": wrn28_10,
})  # fmt: skip
